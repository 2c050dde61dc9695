/* History: the timeline with its diffs, and the ways back. */
import { ask, get, next } from "./api.js";
import { planned } from "./dialog.js";
import { diffOfFile } from "./diff.js";
import { button, clock, date, fill, h, icon, toast } from "./dom.js";

const PAGE = 40;

const REASON = { name: "reason", label: "Reason", note: "What the history says for ever." };
const WITHIN = { name: "within", label: "It undoes itself unless it is kept", value: "", required: true,
	options: [["", "no: it stays"], ["600", "within 10 minutes"], ["3600", "within an hour"]],
	note: "For when the change could lock you out." };

const headers = ({ within }) => (within ? { "Confirm-Within": within } : {});

function done(data) {
	toast(data.needs_config.length ? `Done. ${data.needs_config.length} need a new configuration: ${data.needs_config.slice(0, 5).join(", ")}` : "Done.");
}

export function rollback(entry, refresh) {
	const body = ({ reason, network }) => ({ to: entry.commit, ...(reason && { reason }), ...(network && { include: ["network"] }) });

	planned({ title: "Roll back to this point", label: "Roll back",
		text: `All users, gateways and the server become what they were at “${entry.subject}”. It is one more commit, and can be undone.`,
		fields: [REASON, { name: "network", label: "Also the settings of the network", type: "checkbox" }, WITHIN],
		dry: async (given) => (await ask("POST", "/rollback?dry_run=1", { body: body(given) })).data,
		run: async (given) => {
			done((await ask("POST", "/rollback", { body: body(given), headers: headers(given) })).data);
			refresh();
		} });
}

function revert(entry, refresh) {
	const path = `/commit/${entry.commit}/revert`, body = ({ reason }) => (reason ? { reason } : undefined);

	planned({ title: "Undo this change", label: "Undo it",
		text: `What “${entry.subject}” did is undone; what came after it stays.`, fields: [REASON, WITHIN],
		dry: async (given) => (await ask("POST", `${path}?dry_run=1`, { body: body(given) })).data,
		run: async (given) => {
			done((await ask("POST", path, { body: body(given), headers: headers(given) })).data);
			refresh();
		} });
}

function shown(commit) {
	const files = [...commit.intent, ...commit.rendered];

	return [commit.intent.length > 0 && h("h4", null, "What was asked for"), commit.intent.map(diffOfFile),
		commit.rendered.length > 0 && h("h4", null, "What it changed outside"), commit.rendered.map(diffOfFile),
		!files.length && h("p.quiet", null, "It changed certificates alone.")];
}

const kind = (change) => (/delete|undo|rollback|revert|end/.test(change) ? "away" : /create|push|init/.test(change) ? "new" : "other");

function item(entry, { refresh, isOpen, isHead }) {
	const body = h("div.commit-body"), details = h("details.commit", { open: isOpen },
		h("summary", null, h(`span.dot.${kind(entry.change || "init")}`), h("span.subject", null, entry.subject),
			h("span.quiet.small.meta", null, h("time", { datetime: entry.time }, clock(entry.time)), ` · ${entry.actor}`,
				entry.reason && [" ", h("q.reason", null, entry.reason)])), body);
	let is_there = false;

	async function load() {
		if (is_there || !details.open)
			return;
		is_there = true;
		fill(body, h("p.quiet", null, "Loading…"));
		try {
			const commit = await get(`/commit/${entry.commit}`);

			fill(body, h("p.quiet.small", null, h("code", null, entry.commit.slice(0, 12)), ` · ${entry.change || "init"}`,
					entry.signed_by && " · signed"), shown(commit),
				h("div.actions.start", null, button("Undo this change", () => revert(entry, refresh), { image: "undo" }),
					!isHead && button("Roll back to here", () => rollback(entry, refresh), { image: "history" })));
		} catch (error) {
			is_there = false;
			fill(body, h("p.wrong", null, error.message));
		}
	}
	details.addEventListener("toggle", load);
	if (isOpen)
		load();
	return h("li", null, details);
}

function days(entries, options) {
	const groups = [];

	for (const entry of entries) {
		const day = date(entry.time);

		if (!groups.length || groups[groups.length - 1].day !== day)
			groups.push({ day, list: [] });
		groups[groups.length - 1].list.push(entry);
	}
	return groups.map((group) => h("section.day", null, h("h2", null, group.day), h("ol.timeline", null,
		group.list.map((entry) => item(entry, { ...options, isOpen: entry.commit === options.open, isHead: entry.commit === options.head })))));
}

const FILTERS = ["user", "gateway", "actor", "address", "q"];

function firstPage(query) {
	const given = FILTERS.filter((key) => query.get(key)).map((key) => `&${key}=${encodeURIComponent(query.get(key))}`);

	return `/log?limit=${PAGE}${given.join("")}`;
}

function filterForm(query) {
	const key = FILTERS.find((name) => query.get(name));

	return [h("form.tools", { role: "search", onsubmit: (event) => {
			const text = event.target.elements.q.value.trim();

			event.preventDefault();
			location.hash = text ? `#/history?q=${encodeURIComponent(text)}` : "#/history";
		} }, h("input", { type: "search", name: "q", value: query.get("q") || "", placeholder: "Words of a change", "aria-label": "Search the history" }),
		button("Search", null, { type: "submit" })),
	key && key !== "q" && h("p.filter", null, `Only ${key} `, h("code", null, query.get(key)), " ", h("a", { href: "#/history" }, "show all"))];
}

export async function showHistory({ query, refresh }) {
	const { data, headers: answered } = await ask("GET", firstPage(query));
	const wanted = query.get("commit"), options = { refresh, head: answered.get("X-Commit"), open: wanted };
	const place = h("div.history", null, days(data, options)), [search, filter] = filterForm(query);
	let more = next(answered);
	const older = button("Older", async () => {
		const page = await ask("GET", more);

		place.append(...days(page.data, options));
		more = next(page.headers);
		older.hidden = !more;
	}, { kind: "more" });

	older.hidden = !more;
	if (wanted && !data.some((entry) => entry.commit === wanted))
		place.prepend(...days([await get(`/commit/${wanted}`)], options));
	return [h("header.head", null, h("div", null, h("h1", null, "History"), h("p.quiet", null, "Every change is a commit. Nothing is ever rewritten; any point can come back.")), search),
		filter, data.length ? place : h("div.card.empty", null, icon("history"), h("p", null, "Nothing like that has happened.")), older];
}
