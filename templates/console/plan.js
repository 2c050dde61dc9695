/*
 * The address plan as a picture: a map of user ids, 256 at a time, and who holds which gateway id.  A network
 * that is too large to load whole is shown in order of name, some users at a time.
 */
import { ask, gateways, get, list, next, one } from "./api.js";
import { busy, button, fill, h, icon, plural, rove, toast } from "./dom.js";
import { createGateway } from "./gateways.js";
import { ends, isConnected, stateOf, STATES } from "./status.js";
import { createUser } from "./users.js";

const MANY_USERS = 3000, MANY_GATEWAYS = 8000, PAGE = 256, ROW = 16, NAMES = 24, AT_ONCE = 6;

const hex = (n, bits) => n.toString(16).padStart(bits / 4, "0");

/* The prefix of a user's id, out of the network's: digit by digit, as the plan is made. */
function prefixOf(network, id) {
	const [address, length] = network.prefix.split("/");
	const groups = address.split("::")[0].split(":").filter(Boolean).map((group) => group.padStart(4, "0")).join("");
	const digits = groups.padEnd(length / 4, "0").slice(0, length / 4) + hex(id, network.widths.user);
	const text = digits.padEnd(Math.ceil(digits.length / 4) * 4, "0").match(/.{4}/g).map((group) => group.replace(/^0{1,3}/, ""))
		.join(":").replace(/(:0)+$/, "");

	return `${text}::/${Number(length) + network.widths.user}`;
}

/* --- what is shown --- */

async function overview() {
	try {
		return await get("/state");
	} catch (error) {
		if (error.status === 403)
			return { users: 0, gateways: 0 }; /* a token for one user sees what is his */
		throw error;
	}
}

function group(all) {
	const by = new Map();

	for (const gateway of all)
		by.set(gateway.user, [...(by.get(gateway.user) || []), gateway]);
	return by;
}

function tile(n, word, href, kind = "") {
	return h(`a.tile${kind}`, { href }, h("strong", null, n.toLocaleString("en")), h("span", null, word));
}

function tiles(users, all, state) {
	const live = all.filter(isConnected).length, soon = all.filter((gateway) => ["expiring", "ended"].includes(stateOf(gateway))).length;
	const drift = (state.drift || []).length;

	return h("div.tiles", null, tile(users, users === 1 ? "user" : "users", "#/users"),
		tile(all.length, all.length === 1 ? "gateway" : "gateways", "#/gateways"),
		tile(live, "connected", "#/gateways?show=connected", live ? ".live" : ""),
		tile(soon, "ending soon", "#/gateways?show=expiring", soon ? ".soon" : ""),
		state.head && tile(drift, "drift", "#/state", drift ? ".bad" : ""));
}

function legend() {
	return h("ul.legend", null, Object.entries(STATES).map(([key, text]) => h("li", null, h(`i.cell.${key}`), text)),
		[["bare", "no gateway yet"], ["free", "free"], ["reserved", "kept back"]].map(([key, text]) => h("li", null, h(`i.cell.${key}`), text)));
}

/* --- the map of user ids --- */

const WORST = ["ended", "expiring", "connected", "held", "off"];

function userState(user, own) {
	if (!user.enabled)
		return "off";
	return own.length ? WORST.find((state) => own.some((gateway) => stateOf(gateway, user) === state)) : "bare";
}

function cellOfId(id, world) {
	const { network, byId, mine } = world, text = hex(id, network.widths.user), user = byId.get(text);
	const kept = network.reserved.never.includes(text) ? "kept back" : network.reserved.on_request.includes(text) ? "on request" : "";
	const own = user ? mine.get(user.name) || [] : [];
	const state = user ? userState(user, own) : kept ? "reserved" : "free";
	const label = user ? `${text}: ${user.name}, ${plural(own.length, "gateway")}${STATES[state] ? `, ${STATES[state]}` : ""}` : `${text}: ${kept || "free"}`;

	return h(`button.cell.${state}${own.some(isConnected) ? ".live" : ""}`, { type: "button", "data-cell": "", "data-key": `id-${text}`,
		"data-id": text, "data-held": own.length ? "" : null, tabindex: "-1", "aria-label": label, title: label });
}

function about(text, world) {
	const { network, byId, mine } = world, user = byId.get(text), id = parseInt(text, 16);
	const kept = network.reserved.never.includes(text);

	if (!user)
		return [h("p.quiet.small", null, "User id ", h("code", null, text)), h("h3", null, kept ? "Kept back" : "Free"),
			h("p", null, h("code", null, prefixOf(network, id))),
			kept ? h("p.quiet", null, id ? "This id is never given." : "The server's own.")
				: button("New user here", () => createUser(text), { image: "plus" })];
	const own = mine.get(user.name) || [];

	return [h("p.quiet.small", null, "User id ", h("code", null, text)),
		h("h3", null, h("a", { href: `#/user/${encodeURIComponent(user.name)}` }, user.name)), h("p", null, h("code", null, user.prefix)),
		own.length ? h("ul.holders", null, own.slice(0, 8).map((gateway) => h("li", null, h(`i.cell.${stateOf(gateway, user)}${isConnected(gateway) ? ".live" : ""}`),
			h("a", { href: `#/gateway/${encodeURIComponent(gateway.name)}` }, gateway.name))),
			own.length > 8 && h("li.quiet", null, `and ${own.length - 8} more`)) : h("p.quiet", null, "No gateway yet."),
		button("New gateway", () => createGateway(user.name), { image: "plus" })];
}

function map(world) {
	const { network, page } = world, first = page * PAGE, bits = network.widths.user;
	const n = Math.min(PAGE, 2 ** bits - first), aside = h("div.about", { role: "status" });
	const grid = h("div.map", { role: "group", "aria-label": "User ids: arrow keys walk, Enter chooses" });
	const corner = hex(first, bits).slice(0, -2);

	grid.append(h("span.axis"));
	for (let i = 0; i < ROW; i++)
		grid.append(h("span.axis", { "aria-hidden": "true" }, i.toString(16)));
	for (let i = 0; i < n; i++) {
		if (i % ROW === 0)
			grid.append(h("span.axis", { "aria-hidden": "true" }, `${corner}${bits > 4 ? Math.floor(i / ROW).toString(16) : ""}`));
		grid.append(cellOfId(first + i, world));
	}
	function choose(cell) {
		for (const old of grid.querySelectorAll("[aria-pressed]"))
			old.removeAttribute("aria-pressed");
		cell.setAttribute("aria-pressed", "true");
		fill(aside, about(cell.dataset.id, world));
		world.chosen = cell.dataset.id;
	}
	const start = grid.querySelector(`[data-id="${world.chosen}"]`) || grid.querySelector("[data-held]") || grid.querySelector(".bare") || grid.querySelector("[data-cell]");

	start.tabIndex = 0;
	choose(start);
	rove(grid, ROW);
	grid.addEventListener("focusin", (event) => event.target.matches("[data-cell]") && choose(event.target));
	grid.addEventListener("click", (event) => event.target.matches("[data-cell]") && choose(event.target));
	return h("div.map-row", null, grid, aside);
}

/* --- users x gateways --- */

function cellOfGateway(user, gateway, text) {
	if (!gateway)
		return h("td", null, h("button.cell.free", { type: "button", "data-cell": "", "data-key": `${user.name}-${text}`, tabindex: "-1",
			"aria-label": `${user.name}, id ${text}: free, new gateway`, title: `New gateway ${text} of ${user.name}`,
			onclick: () => createGateway(user.name, text) }, icon("plus")));
	const state = stateOf(gateway, user), end = ends(gateway), live = isConnected(gateway);
	const label = `${gateway.name}, ${gateway.prefix}: ${live ? "connected, " : ""}${STATES[state]}${end ? `, certificate until ${end.slice(0, 10)}` : ""}`;

	return h("td", null, h(`a.cell.${state}${live ? ".live" : ""}`, { href: `#/gateway/${encodeURIComponent(gateway.name)}`, "data-cell": "",
		"data-key": gateway.name, tabindex: "-1", "aria-label": label, title: label }, h("span", null, gateway.name.split(".")[0])));
}

/* A user is one line of sixteen; where gateway ids have two digits, a line for each first digit in use. */
function linesOf(user, own, bits) {
	const held = new Map(own.map((gateway) => [gateway.id, gateway]));
	const firsts = bits === 4 ? [""] : [...new Set(["0", ...own.map((gateway) => gateway.id[0])])].sort();

	return firsts.map((first, i) => h("tr", null,
		h("th", { scope: "row" }, i ? null : [h("code.quiet", null, user.id), h("a", { href: `#/user/${encodeURIComponent(user.name)}`, title: user.name }, user.name)],
			first && h("code.quiet.line", null, `${first}_`)),
		Array.from({ length: ROW }, (_, n) => {
			const text = `${first}${n.toString(16)}`;

			return cellOfGateway(user, held.get(text), text);
		})));
}

function matrix(users, mine, bits) {
	const table = h(`table.matrix${users.some((user) => user.id.length > 2) ? ".wide" : ""}`, null, h("caption.unseen", null, "Who holds which gateway id; arrow keys walk"),
		h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span.unseen", null, "User")),
			Array.from({ length: ROW }, (_, n) => h("th", { scope: "col" }, n.toString(16))))),
		h("tbody", null, users.map((user) => linesOf(user, mine.get(user.name) || [], bits))));
	const first = table.querySelector("[data-cell]");

	if (first)
		first.tabIndex = 0;
	rove(table, ROW);
	return h("div.scroll", null, table);
}

/* --- a network that is loaded whole --- */

function pager(world) {
	const { network, pages, page, go } = world, at = pages.indexOf(page), bits = network.widths.user;
	const label = (n) => `${hex(n, bits - 8)}xx`;
	const step = (to, text, image) => button(text, () => go(pages[to]), { image, kind: "quietly", disabled: pages[to] === undefined });

	return bits > 8 && h("div.pager", null, step(at - 1, "Before", "back"),
		h("label", null, h("span.quiet", null, "Ids "), h("select", { "aria-label": "Which part of the plan", onchange: (event) => go(Number(event.target.value)) },
			pages.map((n) => h("option", { value: String(n), selected: n === page }, `${label(n)} · ${plural(world.countOf(n), "user")}`)))),
		step(at + 1, "After", "forward"));
}

function whole({ network, state, users, all, query }) {
	const pageOf = (user) => Math.floor(parseInt(user.id, 16) / PAGE), byId = new Map(users.map((user) => [user.id, user]));
	const pages = [...new Set([0, ...users.map(pageOf)])].sort((a, b) => a - b), asked = Number(query.get("page"));
	const world = { network, byId, mine: group(all), pages, page: pages.includes(asked) ? asked : pages[0], chosen: query.get("id"),
		countOf: (n) => users.filter((user) => pageOf(user) === n).length,
		go: (n) => { location.hash = `#/plan?page=${n}`; } };
	const here = users.filter((user) => pageOf(user) === world.page).sort((a, b) => (a.id < b.id ? -1 : 1));

	return [tiles(users.length, all, state),
		h("section.card", null, h("header.row", null, h("h2", null, "The plan"), pager(world)), map(world), legend()),
		h("section.card", null, h("h2", null, "Who holds what"), here.length ? matrix(here, world.mine, network.widths.gateway)
			: h("p.quiet", null, users.length ? "Nobody has an id in this part of the plan." : "Nobody yet: choose a free id above, or create the first user."),
		!users.length && button("New user", () => createUser(), { kind: "primary", image: "plus" }))];
}

/* --- a larger one, by name --- */

async function gatewaysOf(users) {
	const mine = new Map(), waiting = [...users];

	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		for (let user = waiting.shift(); user; user = waiting.shift())
			mine.set(user.name, user.gateways ? await gateways(`user=${encodeURIComponent(user.name)}`) : []);
	}));
	return mine;
}

async function byName({ network, state, query }) {
	const after = query.get("after");
	const { data: users, headers } = await ask("GET", `/users?limit=${NAMES}${after ? `&cursor=${encodeURIComponent(after)}` : ""}`);
	const more = next(headers), mine = await gatewaysOf(users);
	const jump = h("form.tools", { onsubmit: (event) => {
		const name = event.target.elements.from.value.trim().toLowerCase();

		event.preventDefault();
		location.hash = name ? `#/plan?after=${encodeURIComponent(name)}` : "#/plan";
	} }, h("input", { name: "from", placeholder: "Names after …", "aria-label": "Show names after" }), button("Show", null, { type: "submit" }));

	return [h("div.tiles", null, tile(state.users, "users", "#/users"), tile(state.gateways, "gateways", "#/gateways")),
		h("section.card", null, h("header.row", null, h("h2", null, "Who holds what"), jump),
			h("p.quiet.small", null, `In order of name, ${NAMES} at a time, since there are so many. Find an address above to see who has it.`),
			matrix(users, mine, network.widths.gateway), legend(),
			h("div.pager", null, after && button("From the beginning", () => { location.hash = "#/plan"; }, { kind: "quietly", image: "back" }),
				more && button("Next", () => { location.hash = `#/plan?after=${encodeURIComponent(users[users.length - 1].name)}`; },
					{ kind: "quietly", image: "forward" })))];
}

/* --- finding --- */

async function find(text) {
	if (text.includes(":")) {
		const found = await get(`/address/${encodeURIComponent(text.split("/")[0])}`);

		return found.gateway && !found.until ? `#/gateway/${encodeURIComponent(found.gateway)}` : `#/history?address=${encodeURIComponent(text)}`;
	}
	for (const kind of ["gateway", "user"]) {
		try {
			return `#/${kind}/${encodeURIComponent((await get(one(kind, text))).name)}`;
		} catch (error) {
			if (error.status !== 404)
				throw error;
		}
	}
	throw new Error(`No user or gateway is called ${text}.`);
}

function finder() {
	return h("form.tools", { role: "search", onsubmit: busy(async (event) => {
		const text = event.target.elements.what.value.trim().toLowerCase();

		if (text)
			location.hash = await find(text);
	}) }, h("input", { type: "search", name: "what", placeholder: "Address, gateway or user", "aria-label": "Find an address, a gateway or a user" }),
	button("Find", null, { type: "submit" }));
}

let last = null; /* the cell that was chosen outlives a refresh */

export async function showPlan({ query }) {
	const [network, state] = await Promise.all([get("/network"), overview()]);
	const isLarge = state.users > MANY_USERS || state.gateways > MANY_GATEWAYS || query.has("after");
	let body;

	if (isLarge) {
		body = await byName({ network, state, query });
	} else {
		const [users, all] = await Promise.all([list("/users"), gateways()]);

		body = whole({ network, state, users, all, query });
	}
	if (state.openvpn && state.openvpn.restart_needed && last !== state.head)
		toast("OpenVPN runs with former settings: see State.", "warn");
	last = state.head;
	return [h("header.head", null, h("div", null, h("h1", null, network.name), h("p.facts", null, h("code.big", null, network.prefix))), finder()), body];
}
