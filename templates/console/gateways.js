/* Gateways: the list, one of them, and all that can be done to it. */
import { ask, download, gateways, get, list, one } from "./api.js";
import { form, planned } from "./dialog.js";
import { ago, busy, button, bytes, date, fill, h, icon, plural, toast, when } from "./dom.js";
import { badge, certificate, ends, isConnected, lasts, stateOf } from "./status.js";

const INBOUND = [["deny", "closed, but for what is allowed"], ["allow", "open"]];
const ROUTES = [["prefix", "the network alone"], ["internet", "all of the IPv6 Internet"]];

export async function createGateway(user, id) {
	const users = user ? [] : (await list("/users", 2000)).map((entry) => entry.name);
	const network = await get("/network");

	form({ title: "New gateway", label: "Create",
		fields: [
			{ name: "name", label: "Name", required: true, note: "A host name, as in laptop.johndoe.example.org", placeholder: "laptop.johndoe.example.org" },
			{ name: "user", label: "User", required: true, value: user, list: users },
			{ name: "id", label: "Id", value: id, note: "A hex digit; else the next one that is free." },
			{ name: "inbound", label: "From the network and the Internet it is", value: network.defaults.inbound, options: INBOUND, required: true },
			{ name: "routes", label: "Through the tunnel it sends", value: network.defaults.routes, options: ROUTES, required: true },
		],
		submit: async ({ name, user: owner, id: wanted, inbound, routes }) => {
			const { data } = await ask("POST", "/gateways",
				{ body: { name, user: owner, inbound, routes, ...(wanted && { id: wanted }) } });

			toast(`${data.name} has ${data.prefix}. Download its configuration now.`);
			location.hash = `#/gateway/${encodeURIComponent(data.name)}`;
		} });
}

/* --- the list --- */

function row(gateway, user, owner) {
	return h("tr", null,
		h("th", { scope: "row" }, h("a", { href: `#/gateway/${encodeURIComponent(gateway.name)}` }, gateway.name)),
		!user && h("td", { "data-label": "User" }, h("a", { href: `#/user/${encodeURIComponent(gateway.user)}` }, gateway.user)),
		h("td", { "data-label": "Prefix" }, h("code", null, gateway.prefix)),
		h("td", { "data-label": "" }, badge(gateway, user || owner.get(gateway.user))),
		h("td", { "data-label": "Certificate ends" }, lasts(gateway)),
		h("td.narrow", null, h("button.plain", { type: "button", "aria-label": `Download the configuration of ${gateway.name}`,
			title: "Download the configuration", onclick: busy(() => fetchProfile(gateway)) }, icon("download"))));
}

const heading = (user) => h("thead", null, h("tr", null, ["Name", !user && "User", "Prefix", "State", "Certificate ends", ""]
	.filter((text) => text !== false).map((text) => h("th", { scope: "col" }, text))));

/* All of one user, or of several, who are in the map `owner`. */
export const rows = (all, { user, owner }) => h("div.card.flush", null,
	h("table.list", null, heading(user), h("tbody", null, all.map((gateway) => row(gateway, user, owner)))));

const FILTERS = {
	all: ["All", () => true],
	connected: ["Connected", (state, gateway) => isConnected(gateway)],
	expiring: ["Ending soon", (state) => ["expiring", "ended"].includes(state)],
	off: ["Switched off", (state) => state === "off"],
};

export async function showGateways({ query, signal }) {
	const [all, users] = await Promise.all([gateways(), list("/users")]);
	const owner = new Map(users.map((user) => [user.name, user])), stateIn = (gateway) => stateOf(gateway, owner.get(gateway.user));
	const place = h("div"), count = h("p.quiet", { role: "status" });
	let chosen = FILTERS[query.get("show")] ? query.get("show") : "all", text = "", shown = 200;

	signal.throwIfAborted();
	function show() {
		const found = all.filter((gateway) => FILTERS[chosen][1](stateIn(gateway), gateway) &&
			`${gateway.name} ${gateway.user} ${gateway.prefix}`.includes(text));

		count.textContent = plural(found.length, "gateway");
		fill(place, found.length ? rows(found.slice(0, shown), { owner }) : h("div.card.empty", null, icon("gateways"), h("p", null,
			all.length ? "None of them is like that." : "No gateway yet. Create a user first, then gateways for his devices.")),
			found.length > shown && button(`Show ${Math.min(200, found.length - shown)} more`, () => { shown += 200; show(); }, { kind: "more" }));
	}
	show();
	return [h("header.head", null, h("div", null, h("h1", null, "Gateways"), count),
			h("div.tools", null, h("input", { type: "search", placeholder: "Name, user or prefix", "aria-label": "Search gateways",
				oninput: (event) => { text = event.target.value.trim().toLowerCase(); show(); } }),
				button("New gateway", busy(() => createGateway()), { kind: "primary", image: "plus" }))),
		h("div.choices", { role: "radiogroup", "aria-label": "Which gateways" }, Object.entries(FILTERS).map(([key, [label]]) =>
			h("label.choice", null, h("input", { type: "radio", name: "filter", value: key, checked: key === chosen,
				onchange: () => { chosen = key; show(); } }), h("span", null, label)))),
		place];
}

/* --- one of them --- */

async function fetchProfile(gateway) {
	await download(`${one("gateway", gateway.name)}/config`, `${gateway.name}.ovpn`);
	toast(`The configuration of ${gateway.name} holds its private key: keep it well.`);
}

function renew(gateway, refresh) {
	const early = stateOf(gateway) === "held" || stateOf(gateway) === "connected";

	form({ title: `Renew ${gateway.name}`, label: "Renew",
		text: early ? "Its certificate lasts a while yet: say why it is renewed now." : "The old configuration works for a while beside the new one.",
		fields: [
			{ name: "reason", label: "Reason", required: early, note: "What the history says for ever." },
			{ name: "revoke_old", label: "The old one is lost: revoke it at once", type: "checkbox" },
		],
		submit: async ({ reason, revoke_old }) => {
			await ask("POST", `${one("gateway", gateway.name)}/renew`,
				{ body: { ...(early && { force: true }), ...(reason && { reason }), ...(revoke_old && { revoke_old }) } });
			toast("Renewed: download the new configuration.");
			refresh();
		} });
}

function remove(gateway) {
	const path = one("gateway", gateway.name);

	planned({ title: `Delete ${gateway.name}?`, label: "Delete",
		fields: [{ name: "reason", label: "Reason", note: "What the history says for ever." }],
		dry: async ({ reason }) => (await ask("DELETE", `${path}?dry_run=1&reason=${encodeURIComponent(reason)}`)).data,
		run: async ({ reason }) => {
			await ask("DELETE", `${path}?reason=${encodeURIComponent(reason)}`);
			toast(`${gateway.name} is deleted. History can bring it back.`);
			location.hash = `#/user/${encodeURIComponent(gateway.user)}`;
		} });
}

async function enable(gateway, refresh) {
	const path = one("gateway", gateway.name), body = { enabled: !gateway.enabled };

	if (body.enabled) {
		await ask("PATCH", path, { body });
		toast(`${gateway.name} may connect again.`);
		refresh();
		return;
	}
	planned({ title: `Switch ${gateway.name} off?`, label: "Switch off",
		dry: async () => (await ask("PATCH", `${path}?dry_run=1`, { body })).data,
		run: async () => {
			await ask("PATCH", path, { body });
			toast(`${gateway.name} is cut off.`);
			refresh();
		} });
}

/* "tcp/22", "udp/5000-5010 to 1::80 from vpn": as people write it, and back. */
function ruleText(rule) {
	if (typeof rule === "string")
		return rule;
	return `${rule.proto}/${rule.ports}${rule.to ? ` to ${rule.to}` : ""}${rule.from && rule.from !== "any" ? ` from ${rule.from}` : ""}`;
}

function ruleOf(line) {
	const found = /^(\w+)\/([\d-]+)(?:\s+to\s+(\S+))?(?:\s+from\s+(\S+))?$/.exec(line);

	if (!found || (!found[3] && !found[4]))
		return line;
	return { proto: found[1], ports: found[2], ...(found[3] && { to: found[3] }), ...(found[4] && { from: found[4] }) };
}

function editAccess(gateway, refresh) {
	form({ title: `What reaches ${gateway.name}`, label: "Save",
		fields: [
			{ name: "inbound", label: "From the network and the Internet it is", value: gateway.inbound, options: INBOUND, required: true },
			{ name: "allow", label: "Allowed", rows: 5, value: gateway.allow.map(ruleText).join("\n"), placeholder: "tcp/22\nudp/5000-5010 to 1::80 from vpn",
				note: "One opening a line: tcp/22, tcp/80 to 1::80 (host ::80 in network 1), from vpn, from user:johndoe or from a prefix." },
			{ name: "routes", label: "Through the tunnel it sends", value: gateway.routes, options: ROUTES, required: true },
		],
		submit: async ({ inbound, allow, routes }) => {
			const list = allow.split("\n").map((line) => line.trim()).filter(Boolean).map(ruleOf);

			const { data } = await ask("PATCH", one("gateway", gateway.name), { body: { inbound, allow: list, routes } });
			toast((data.warnings || [])[0] || "Saved, and in force.");
			refresh();
		} });
}

function copyable(text) {
	return h("span.copyable", null, h("code", null, text), h("button.plain", { type: "button", "aria-label": `Copy ${text}`, title: "Copy",
		onclick: busy(async () => { await navigator.clipboard.writeText(text); toast("Copied."); }) }, icon("copy")));
}

const fact = (term, ...text) => h("div", null, h("dt", null, term), h("dd", null, ...text));

function connection(gateway) {
	const status = gateway.status;

	if (!status)
		return h("span.quiet", null, "not known: OpenVPN does not answer");
	if (!status.connected)
		return "no";
	return [status.since && h("span", null, "since ", when(status.since)), status.remote && h("span", null, " from ", h("code", null, status.remote)),
		h("span.quiet", null, ` · ${bytes(status.received || 0)} in, ${bytes(status.sent || 0)} out`)];
}

function certificates(gateway) {
	return gateway.certificates.length ? h("ul.certificates", null, gateway.certificates.map((own, i) => h("li", null,
		h("span", null, i ? "the former one, " : "", `${date(own.not_before)} – `, h("strong", null, date(own.until || own.not_after)),
			h("span.quiet", null, ` (${ago(own.until || own.not_after)})`)), h("code.quiet.small.serial", null, own.serial)))) : "none is valid: renew it";
}

export async function showGateway({ name, signal, refresh }) {
	const gateway = await get(`${one("gateway", name)}?status=1`, { signal });
	const user = await get(one("user", gateway.user), { signal });

	return [h("header.head", null,
			h("div", null, h("p.quiet.crumbs", null, h("a", { href: "#/gateways" }, "Gateways"), " · ",
				h("a", { href: `#/user/${encodeURIComponent(gateway.user)}` }, gateway.user)), h("h1.name", null, gateway.name),
				h("p.facts", null, badge(gateway, user))),
			h("div.tools", null,
				button("Download configuration", busy(() => fetchProfile(gateway)), { kind: certificate(gateway) ? "primary" : "", image: "download" }),
				button("Renew", () => renew(gateway, refresh), { image: "renew", kind: ends(gateway) ? "" : "primary" }),
				button(gateway.enabled ? "Switch off" : "Switch on", busy(() => enable(gateway, refresh)), { image: "power" }),
				button("Delete", () => remove(gateway), { kind: "danger quietly", image: "remove" }))),
		h("div.columns", null,
			h("section.card", null, h("h2", null, "Where it is"), h("dl.facts-list", null,
				fact("Prefix", copyable(gateway.prefix)), fact("Its own address", copyable(gateway.address)),
				fact("Connected", connection(gateway)), fact("Certificate", certificates(gateway)),
				fact("Made", date(gateway.created)),
				fact("History", h("a", { href: `#/history?gateway=${encodeURIComponent(gateway.name)}` }, "what happened")))),
			h("section.card", null, h("header.row", null, h("h2", null, "What reaches it"),
					button("Edit", () => editAccess(gateway, refresh), { image: "edit" })),
				h("dl.facts-list", null,
					fact("Inbound", Object.fromEntries(INBOUND)[gateway.inbound]),
					fact("Allowed", gateway.allow.length ? h("ul.rules", null, gateway.allow.map((rule) => h("li", null, h("code", null, ruleText(rule)))))
						: "nothing but replies and ping"),
					fact("It sends through the tunnel", Object.fromEntries(ROUTES)[gateway.routes]))))];
}
