/* Settings of the network and the server: seen, and changed with their plan shown first. */
import { ask, get } from "./api.js";
import { planned } from "./dialog.js";
import { button, h, toast } from "./dom.js";

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

const NETWORK = [
	{ name: "name", label: "Name", required: true, from: (n) => n.name, to: (v) => ({ name: v }) },
	{ name: "validity", label: "A gateway's certificate lasts", required: true, from: (n) => n.policy.validity, to: (v) => ({ policy: { validity: v } }) },
	{ name: "renewal", label: "It is renewable in the last", required: true, from: (n) => n.policy.renewal, to: (v) => ({ policy: { renewal: v } }) },
	{ name: "overlap", label: "A renewed one works on for", required: true, from: (n) => n.policy.overlap, to: (v) => ({ policy: { overlap: v } }) },
	{ name: "max_clients", label: "Connections at most", type: "number", required: true, from: (n) => String(n.policy.max_clients), to: (v) => ({ policy: { max_clients: Number(v) } }) },
	{ name: "inbound", label: "New gateways are", required: true, options: [["deny", "closed, but for what is allowed"], ["allow", "open"]], from: (n) => n.defaults.inbound, to: (v) => ({ defaults: { inbound: v } }) },
	{ name: "routes", label: "New gateways send through the tunnel", required: true, options: [["prefix", "the network alone"], ["internet", "all of the IPv6 Internet"]], from: (n) => n.defaults.routes, to: (v) => ({ defaults: { routes: v } }) },
	{ name: "on_request", label: "Ids given only on request", from: (n) => n.reserved.on_request.join(" "), to: (v) => ({ reserved: { on_request: v.split(/[\s,]+/).filter(Boolean) } }) },
];

const SERVER = [
	{ name: "endpoints", label: "Endpoints", required: true, rows: 2, note: "One a line: where clients find it, in the order that they try.", from: (s) => s.endpoints.join("\n"), to: (v) => ({ endpoints: lines(v) }) },
	{ name: "port", label: "It listens on port", type: "number", required: true, from: (s) => String(s.port), to: (v) => ({ port: Number(v) }) },
	{ name: "dns", label: "Name servers for clients", rows: 2, note: "One IPv6 address a line; none: they keep their own.", from: (s) => s.dns.join("\n"), to: (v) => ({ dns: lines(v) }) },
	{ name: "extra", label: "More directives", rows: 3, note: "One a line, as in server.conf: keepalive 5 30", from: (s) => s.extra.join("\n"), to: (v) => ({ extra: lines(v) }) },
	{ name: "tls_version_min", label: "TLS at least", required: true, options: [["1.2", "1.2"], ["1.3", "1.3"]], from: (s) => s.tls_version_min, to: (v) => ({ tls_version_min: v }) },
	{ name: "restart", label: "When a change needs it, OpenVPN restarts", required: true, options: [["manual", "when somebody says so"], ["auto", "at once"]], from: (s) => s.restart, to: (v) => ({ restart: v }) },
];

/* Members of objects side by side, not one instead of the other. */
function merge(into, from) {
	for (const [key, value] of Object.entries(from))
		into[key] = value && typeof value === "object" && !Array.isArray(value) ? merge(into[key] || {}, value) : value;
	return into;
}

/* Only what is another one now is sent. */
function changes(fields, old, given) {
	return fields.filter((field) => given[field.name] !== field.from(old))
		.reduce((body, field) => merge(body, field.to(given[field.name])), {});
}

function edit({ path, title, fields, old, refresh }) {
	const head = { "If-Match": old.tag };

	planned({ title, label: "Save", danger: false,
		fields: fields.map((field) => ({ ...field, value: field.from(old.data) })),
		dry: async (given) => (await ask("PATCH", `${path}?dry_run=1`, { body: changes(fields, old.data, given), headers: head })).data,
		run: async (given) => {
			const { data } = await ask("PATCH", path, { body: changes(fields, old.data, given), headers: head });

			toast((data.warnings || [])[0] || "Saved.");
			refresh();
		} });
}

function shown(field, data) {
	const text = field.from(data), option = (field.options || []).find(([value]) => value === text);

	return h("div", null, h("dt", null, field.label), h("dd", null, option ? option[1] : text ? h("span.lines", null, text) : h("span.quiet", null, "none")));
}

function card(title, path, fields, old, refresh, fixed) {
	return h("section.card", null, h("header.row", null, h("h2", null, title),
			button("Edit", () => edit({ path, title, fields, old, refresh }), { image: "edit", "aria-label": `Edit ${title}` })),
		h("dl.facts-list", null, fixed.map(([term, text]) => h("div", null, h("dt", null, term), h("dd", null, h("code", null, text)))),
			fields.map((field) => shown(field, old.data))));
}

async function read(path, signal) {
	const { data, headers } = await ask("GET", path, { signal });

	return { data, tag: headers.get("ETag") };
}

export async function showSettings({ signal, refresh }) {
	const [network, server] = await Promise.all([read("/network", signal), read("/server", signal)]);
	const { user, gateway, network: bits } = network.data.widths;

	return [h("header.head", null, h("div", null, h("h1", null, "Settings"),
			h("p.quiet", null, "They are part of the state: each change is a commit, and can be undone."))),
		h("div.columns", null,
			card("The network", "/network", NETWORK, network, refresh, [["Prefix", network.data.prefix], ["Widths", `user ${user}, gateway ${gateway}, network ${bits} bits`]]),
			card("The server", "/server", SERVER, server, refresh, [["Name", server.data.name]]))];
}
