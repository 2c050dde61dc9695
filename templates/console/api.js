/* The API from a browser: the token, requests, problems (RFC 9457), lists of pages. Knows nothing of pages. */

const KEY = "vpnunit.token";

/* Only of this tab, and gone with it. */
export const token = {
	get: () => sessionStorage.getItem(KEY),
	set: (value) => sessionStorage.setItem(KEY, value),
	drop: () => sessionStorage.removeItem(KEY),
};

/* What the API refuses, in its words. */
export class Problem extends Error {
	constructor(status, about) {
		super(about.detail || `The service answered ${status}.`);
		this.status = status;
		this.code = about.code || "";
		this.errors = about.errors || [];
		this.about = about;
	}
}

async function read(answer) {
	const type = answer.headers.get("Content-Type") || "";

	if (answer.status === 204)
		return null;
	return /json/.test(type) ? answer.json() : answer.text();
}

/* One request; {data, headers}, or a Problem is thrown. */
export async function ask(method, path, { body, headers = {}, signal } = {}) {
	const all = { Authorization: `Bearer ${token.get()}`, ...headers };
	let answer, data;

	if (body !== undefined)
		all["Content-Type"] = "application/json";
	try {
		answer = await fetch(path, { method, headers: all, signal, cache: "no-store",
			body: body === undefined ? undefined : JSON.stringify(body) });
		data = await read(answer);
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
		throw new Problem(0, { detail: "The service does not answer. Is it running, and is the network up?", code: "offline" });
	}
	if (answer.status === 401)
		document.dispatchEvent(new CustomEvent("signed-out", { detail: data && data.detail }));
	if (!answer.ok)
		throw new Problem(answer.status, data && typeof data === "object" ? data : {});
	return { data, headers: answer.headers };
}

export const get = async (path, options) => (await ask("GET", path, options)).data;

/* The path of what Link names as next, or null. */
export function next(headers) {
	const found = /<([^>]*)>;\s*rel="next"/.exec(headers.get("Link") || "");

	return found ? found[1] : null;
}

/* All pages of a list, at most so many rows. */
export async function list(path, most = 100000) {
	let rows = [], at = `${path}${path.includes("?") ? "&" : "?"}limit=1000`;

	while (at && rows.length < most) {
		const { data, headers } = await ask("GET", at);

		rows = rows.concat(data);
		at = next(headers);
	}
	return rows;
}

/* Connections where the service tells them. */
export async function gateways(query = "") {
	return list(`/gateways?${query}${query ? "&" : ""}status=1`);
}

export const one = (kind, name) => `/${kind}/${encodeURIComponent(name)}`;

/* Save what a path answers as a file, under the name that the service gives it. */
export async function download(path, fallback) {
	const { data, headers } = await ask("GET", path);
	const name = /filename="?([^";]+)"?/.exec(headers.get("Content-Disposition") || "");
	const link = document.createElement("a");

	link.href = URL.createObjectURL(new Blob([data], { type: headers.get("Content-Type") }));
	link.download = name ? name[1] : fallback;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/*
 * Server-sent events, by fetch since EventSource sends no token; until the signal or the stream ends.
 * hear(name, data) is called for each.
 */
export async function listen(signal, hear) {
	const answer = await fetch("/events", { headers: { Authorization: `Bearer ${token.get()}` }, signal, cache: "no-store" });
	let text = "";

	if (!answer.ok)
		throw new Problem(answer.status, {});
	for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();;) {
		const { value, done } = await reader.read();

		if (done)
			return;
		text += value;
		for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
			const fields = Object.fromEntries(text.slice(0, end).split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));

			text = text.slice(end + 2);
			if (fields.event)
				hear(fields.event, fields.data);
		}
	}
}
