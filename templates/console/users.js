/* Users: the list, one of them with what he has, and all that can be done to them. */
import { ask, gateways, get, list, one } from "./api.js";
import { form, planned } from "./dialog.js";
import { busy, button, date, h, icon, plural, toast } from "./dom.js";
import { createGateway, rows } from "./gateways.js";

export function createUser(id) {
	form({ title: "New user", label: "Create",
		fields: [
			{ name: "name", label: "Name", required: true, note: "A nickname: letters, digits, . _ -. It stays in the history for ever.", placeholder: "johndoe" },
			{ name: "id", label: "Id", value: id, note: "Hex digits; else the next one that is free." },
		],
		submit: async ({ name, id: wanted }) => {
			const { data } = await ask("POST", "/users", { body: { name, ...(wanted && { id: wanted }) } });

			toast(`${data.name} has ${data.prefix}.`);
			location.hash = `#/user/${encodeURIComponent(data.name)}`;
		} });
}

function row(user) {
	return h("tr", null,
		h("th", { scope: "row" }, h("a", { href: `#/user/${encodeURIComponent(user.name)}` }, user.name)),
		h("td", { "data-label": "Id" }, h("code", null, user.id)),
		h("td", { "data-label": "Prefix" }, h("code", null, user.prefix)),
		h("td", { "data-label": "Gateways" }, String(user.gateways)),
		h("td", { "data-label": "Since" }, date(user.created)),
		h("td", { "data-label": "" }, user.enabled ? null : h("span.badge.off", null, "switched off")));
}

export async function showUsers({ signal }) {
	const users = await list("/users", 5000);
	const body = h("tbody", null, users.map(row));
	const count = h("p.quiet", { role: "status" }, plural(users.length, "user"));

	signal.throwIfAborted();
	function search(event) {
		const text = event.target.value.trim().toLowerCase();
		const found = users.filter((user) => `${user.name} ${user.id} ${user.prefix}`.includes(text));

		body.replaceChildren(...found.map(row));
		count.textContent = plural(found.length, "user");
	}
	return [h("header.head", null, h("div", null, h("h1", null, "Users"), count),
			h("div.tools", null, h("input", { type: "search", placeholder: "Name, id or prefix", "aria-label": "Search users", oninput: search }),
				button("New user", () => createUser(), { kind: "primary", image: "plus" }))),
		users.length ? h("div.card.flush", null, h("table.list", null, h("thead", null, h("tr", null,
				["Name", "Id", "Prefix", "Gateways", "Since", "State"].map((text) => h("th", { scope: "col" }, text)))), body))
			: h("div.card.empty", null, icon("users"), h("p", null, "Nobody is here yet. A user gets a part of the network to hand out to his gateways."))];
}

function remove(user) {
	const path = `${one("user", user.name)}?${user.gateways ? "cascade=1&" : ""}`;

	planned({ title: `Delete ${user.name}?`, label: "Delete",
		text: user.gateways ? `${plural(user.gateways, "gateway")} will go too.` : "",
		fields: [{ name: "reason", label: "Reason", note: "What the history says for ever." }],
		dry: async ({ reason }) => (await ask("DELETE", `${path}dry_run=1&reason=${encodeURIComponent(reason)}`)).data,
		run: async ({ reason }) => {
			await ask("DELETE", `${path}reason=${encodeURIComponent(reason)}`);
			toast(`${user.name} is deleted. History can bring him back.`);
			location.hash = "#/users";
		} });
}

function rename(user, refresh) {
	form({ title: `Rename ${user.name}`, label: "Rename",
		fields: [{ name: "name", label: "New name", required: true, value: user.name }],
		submit: async ({ name }) => {
			const { data } = await ask("PATCH", one("user", user.name), { body: { name } });

			toast(`${user.name} is ${data.name} now.`);
			if (data.name === user.name)
				refresh();
			else
				location.hash = `#/user/${encodeURIComponent(data.name)}`;
		} });
}

async function enable(user, refresh) {
	const path = one("user", user.name), body = { enabled: !user.enabled };

	if (body.enabled) {
		await ask("PATCH", path, { body });
		toast(`${user.name}'s gateways may connect again.`);
		refresh();
		return;
	}
	planned({ title: `Switch ${user.name} off?`, label: "Switch off",
		dry: async () => (await ask("PATCH", `${path}?dry_run=1`, { body })).data,
		run: async () => {
			await ask("PATCH", path, { body });
			toast(`${user.name}'s gateways are cut off.`);
			refresh();
		} });
}

export async function showUser({ name, signal, refresh }) {
	const [user, own, network] = await Promise.all([get(one("user", name), { signal }),
		gateways(`user=${encodeURIComponent(name)}`), get("/network", { signal })]);
	const left = 2 ** network.widths.gateway - own.length;

	return [h("header.head", null,
			h("div", null, h("p.quiet.crumbs", null, h("a", { href: "#/users" }, "Users")), h("h1", null, user.name),
				h("p.facts", null, h("code.big", null, user.prefix), !user.enabled && h("span.badge.off", null, "switched off"))),
			h("div.tools", null,
				button("New gateway", () => createGateway(user.name), { kind: "primary", image: "plus" }),
				button("Rename", () => rename(user, refresh), { image: "edit" }),
				button(user.enabled ? "Switch off" : "Switch on", busy(() => enable(user, refresh)), { image: "power" }),
				button("Delete", () => remove(user), { kind: "danger quietly", image: "remove" }))),
		h("dl.card.facts-list", null,
			h("div", null, h("dt", null, "Id"), h("dd", null, h("code", null, user.id))),
			h("div", null, h("dt", null, "Gateways"), h("dd", null, `${own.length}, ${left} more fit`)),
			h("div", null, h("dt", null, "Since"), h("dd", null, date(user.created))),
			h("div", null, h("dt", null, "History"), h("dd", null,
				h("a", { href: `#/history?user=${encodeURIComponent(user.name)}` }, "what happened")))),
		own.length ? rows(own, { user }) : h("div.card.empty", null, icon("gateways"),
			h("p", null, `${user.name} has no gateway yet. A gateway is a device: a phone, or a router with networks behind it.`),
			button("New gateway", () => createGateway(user.name), { image: "plus" }))];
}
