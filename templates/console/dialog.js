/* Dialogs: forms whose refusals stand beside their fields, and plans that are shown before they are carried out. */
import { button, fill, h, icon, plural, tell } from "./dom.js";
import { diffOfFile } from "./diff.js";

let count = 0;

/* An open <dialog>; Escape and what calls close() end it, focus goes back to where it was. */
function open(title, kind = "") {
	const id = `dialog-${++count}`, from = document.activeElement;
	const body = h("div.dialog-body");
	const element = h(`dialog.card${kind}`, { "aria-labelledby": id },
		h("header", null, h("h2", { id }, title),
			h("button.plain", { type: "button", "aria-label": "Close", onclick: () => element.close() }, "×")), body);

	element.addEventListener("close", () => {
		element.remove();
		if (from && from.isConnected)
			from.focus();
	});
	document.body.append(element);
	element.showModal();
	return { element, body, close: () => element.close() };
}

function control(field, id) {
	const common = { id, name: field.name, required: field.required || null, "aria-describedby": `${id}-note` };

	if (field.options)
		return h("select", common, field.options.map(([value, label]) =>
			h("option", { value, selected: value === field.value }, label)));
	if (field.rows)
		return h("textarea", { ...common, rows: String(field.rows), spellcheck: "false", placeholder: field.placeholder || null },
			field.value || "");
	if (field.type === "checkbox")
		return h("input", { ...common, type: "checkbox", checked: Boolean(field.value) });
	return h("input", { ...common, type: field.type || "text", value: field.value || "", list: field.list ? `${id}-list` : null,
		placeholder: field.placeholder || null, autocapitalize: "none", spellcheck: "false", autocomplete: "off" });
}

function row(field) {
	const id = `field-${++count}`, input = control(field, id);
	const label = h("label", { for: id }, field.label, field.required ? null : h("span.quiet", null, " optional"));
	const note = h("p.quiet.small", { id: `${id}-note` }, field.note || "");
	const wrong = h("p.wrong.small", { role: "alert", "data-field": field.name });
	const choices = field.list && h("datalist", { id: `${id}-list` }, field.list.map((value) => h("option", { value })));

	if (field.type === "checkbox")
		return h("div.field.check", null, input, h("label", { for: id }, field.label, note), wrong);
	return h("div.field", null, label, input, choices, note, wrong);
}

function values(form, fields) {
	const out = {};

	for (const field of fields) {
		const input = form.elements[field.name];

		out[field.name] = field.type === "checkbox" ? input.checked : input.value.trim();
	}
	return out;
}

/* What is wrong with which field; the rest above the buttons. */
function showProblem(form, error) {
	const rest = form.querySelector("[data-field='']");
	let left = !error.errors || !error.errors.length;

	for (const { field, detail } of error.errors || []) {
		const place = form.querySelector(`[data-field="${CSS.escape(field.split("/").pop().split(".").pop())}"]`);

		if (place)
			place.textContent = detail;
		else
			left = true;
	}
	if (left)
		rest.textContent = error.message;
	const first = [...form.querySelectorAll(".wrong")].find((place) => place.textContent && place.dataset.field);
	if (first)
		first.parentElement.querySelector("input, select, textarea").focus();
}

/* A form; submit(values) does it, and what it throws is shown. */
export function form({ title, text, fields, label, danger, submit }) {
	const { body, close } = open(title);
	const element = h("form", { novalidate: true }, text && h("p", null, text), fields.map(row),
		h("p.wrong", { role: "alert", "data-field": "" }),
		h("div.actions", null, button("Cancel", close), h(`button.${danger ? "danger" : "primary"}`, { type: "submit" }, label)));

	element.addEventListener("submit", async (event) => {
		const send = element.querySelector("[type=submit]");

		event.preventDefault();
		for (const place of element.querySelectorAll(".wrong"))
			place.textContent = "";
		if (send.disabled)
			return;
		send.disabled = true;
		try {
			await submit(values(element, fields));
			close();
		} catch (error) {
			showProblem(element, error);
		}
		send.disabled = false;
	});
	fill(body, element);
	element.querySelector("input, select, textarea")?.focus();
}

/* --- plans --- */

function names(title, kind, list, text) {
	return list.length > 0 && h(`section.effect.${kind}`, null,
		h("h3", null, title, h("span.count", null, String(list.length))), text && h("p.quiet.small", null, text),
		h("ul.names", null, list.slice(0, 100).map((name) => h("li", null, name)),
			list.length > 100 && h("li.quiet", null, `and ${list.length - 100} more`)));
}

const unique = (list) => [...new Set(list)];

/* What a dry run says, for people: who is hit first, files last. */
export function effects(plan) {
	const issued = unique(plan.issued.map((item) => item.name)), revoked = unique(plan.revoked.map((item) => item.name));
	const files = [...(plan.state || []), ...(plan.rendered || [])];

	return h("div.effects", null,
		(plan.warnings || []).map((text) => h("p.note.warn", null, icon("warning"), h("span", null, text))),
		names("Lose access", "bad", plan.loses_access),
		names("Certificates revoked", "bad", revoked, "A revoked certificate never becomes valid again."),
		names("Certificates issued", "good", issued),
		names("Need a new configuration", "warn", plan.needs_config, "Download it again for these, once it is done."),
		!files.length && h("p.note", null, "Nothing would change."),
		files.length > 0 && h("details.files", null, h("summary", null, `${plural(files.length, "file")} would change`),
			files.map(diffOfFile)));
}

/*
 * Ask, show what it would do, then do it.  fields: asked first (none: the plan is shown at once); dry(values)
 * gives the plan, run(values) does it.
 */
export function planned({ title, text, fields = [], label, danger = true, dry, run }) {
	const { body, close } = open(title, ".wide");
	let given = {};

	async function show() {
		const act = h(`button.${danger ? "danger" : "primary"}`, { type: "button" }, label);
		const wrong = h("p.wrong", { role: "alert" });

		fill(body, h("p.quiet", { role: "status" }, "Finding out what it would do…"));
		try {
			const plan = await dry(given);

			act.addEventListener("click", async () => {
				act.disabled = true;
				try {
					await run(given);
					close();
				} catch (error) {
					wrong.textContent = error.message;
				}
				act.disabled = false;
			});
			fill(body, h("p.lead", null, "This is what it would do. Nothing has happened yet."), effects(plan), wrong,
				h("div.actions", null, fields.length ? button("Back", ask) : button("Cancel", close), act));
			act.focus();
		} catch (error) {
			if (!fields.length) {
				close();
				tell(error);
				return;
			}
			ask();
			showProblem(body.querySelector("form"), error);
		}
	}

	function ask() {
		const element = h("form", { novalidate: true }, text && h("p", null, text),
			fields.map((field) => row({ ...field, value: given[field.name] ?? field.value })),
			h("p.wrong", { role: "alert", "data-field": "" }),
			h("div.actions", null, button("Cancel", close), h("button.primary", { type: "submit" }, "Show what it would do")));

		element.addEventListener("submit", (event) => {
			event.preventDefault();
			given = values(element, fields);
			show();
		});
		fill(body, element);
		element.querySelector("input, select, textarea")?.focus();
	}

	if (fields.length)
		ask();
	else
		show();
}
