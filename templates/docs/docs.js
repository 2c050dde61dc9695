/* Makes the page out of openapi.json: operations by tag, then the schemas.  Text only ever becomes text. */
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

/* An element with attributes and children; a string child is text. */
function el(name, attributes, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		node.setAttribute(key, value);
	node.append(...children.flat());
	return node;
}

/* Prose with `code` in it. */
function prose(text) {
	return String(text || "").split("`").map((part, i) => i % 2 ? el("code", {}, part) : part);
}

function nameOf(ref) {
	return ref.slice(ref.lastIndexOf("/") + 1);
}

/* What a $ref leads to. */
function resolve(api, value) {
	if (!value || !value.$ref)
		return value;
	return value.$ref.slice(2).split("/").reduce((at, key) => at[key.replace(/~1/g, "/").replace(/~0/g, "~")], api);
}

function joined(parts, between) {
	return parts.flatMap((part, i) => i ? [between, ...part] : part);
}

/* A schema in few words, as nodes; named ones are links. */
function words(schema) {
	if (schema.$ref) {
		const name = nameOf(schema.$ref);
		return [el("a", { href: "#schema-" + name }, name)];
	}
	if ("const" in schema)
		return [el("code", {}, JSON.stringify(schema.const))];
	if (schema.enum)
		return joined(schema.enum.map((value) => [el("code", {}, JSON.stringify(value))]), " or ");
	for (const [key, between] of [["anyOf", " or "], ["oneOf", " or "], ["allOf", " and "]])
		if (schema[key])
			return joined(schema[key].map(words), between);
	if (schema.type === "array")
		return ["list of ", ...words(schema.items || {})];
	if (schema.properties)
		return ["{ ", ...joined(Object.entries(schema.properties).map(([key, value]) =>
			[key + ": ", ...words(value)]), ", "), " }"];
	return [[schema.type || "any"].flat().join(" or ") + limits(schema)];
}

function limits(schema) {
	const found = [];
	if (schema.format)
		found.push(schema.format);
	if (schema.minimum !== undefined)
		found.push(schema.maximum === undefined ? schema.minimum + " or more" : schema.minimum + " to " + schema.maximum);
	if (schema.maxLength)
		found.push("at most " + schema.maxLength + " characters");
	return found.length ? " (" + found.join(", ") + ")" : "";
}

function table(rows) {
	return el("div", { class: "table" }, el("table", {}, el("tbody", {}, rows)));
}

function row(head, ...cells) {
	return el("tr", {}, el("th", { scope: "row" }, head), cells.map((cell) => el("td", {}, cell)));
}

function parameterRow(p) {
	return row([el("code", {}, p.name), p.required ? " *" : ""], [p.in], words(p.schema), prose(p.description));
}

function contentWords(content) {
	return joined(Object.entries(content || {}).map(([type, media]) =>
		[...words(media.schema), el("span", { class: "quiet" }, " " + type)]), ", ");
}

function operation(api, path, method, shared, o) {
	const parameters = [...shared, ...(o.parameters || [])].map((p) => resolve(api, p));
	const section = el("section", { id: o.operationId, class: "operation" },
		el("h3", {}, el("span", { class: "method " + method }, method.toUpperCase()), " ", el("code", {}, path)),
		el("p", {}, prose(o.summary)));
	if (o.description)
		section.append(el("p", {}, prose(o.description)));
	if (o.security && !o.security.length)
		section.append(el("p", { class: "quiet" }, "Needs no token."));
	if (parameters.length)
		section.append(el("h4", {}, "Parameters"), table(parameters.map(parameterRow)));
	if (o.requestBody)
		section.append(el("h4", {}, o.requestBody.required ? "Body" : "Body (may be left out)"),
			el("p", {}, contentWords(o.requestBody.content)));
	section.append(el("h4", {}, "Answers"), table(Object.entries(o.responses).map(([status, given]) => {
		const r = resolve(api, given);
		return row(status, prose(r.description), contentWords(r.content));
	})));
	return section;
}

function propertyRows(schema) {
	const required = schema.required || [];
	return Object.entries(schema.properties).map(([key, value]) =>
		row([el("code", {}, key), required.includes(key) ? " *" : ""], words(value), prose(value.description)));
}

function schemaSection(name, schema) {
	const section = el("section", { id: "schema-" + name, class: "schema" }, el("h3", {}, name));
	const variants = schema.oneOf || [schema];
	if (schema.description)
		section.append(el("p", {}, prose(schema.description)));
	if (variants.every((v) => "const" in v))
		section.append(table(variants.map((v) => row(el("code", {}, String(v.const)), prose(v.description)))));
	else if (variants.every((v) => v.properties))
		section.append(...variants.map((v) => table(propertyRows(v))));
	else
		section.append(el("p", {}, words(schema)), schema.pattern ? el("p", {}, el("code", {}, schema.pattern)) : "");
	return section;
}

function contentsList(title, links) {
	return el("div", {}, el("h2", {}, title), el("ul", {}, links));
}

function link(target, ...label) {
	return el("li", {}, el("a", { href: "#" + target }, label));
}

/* All operations of a tag: sections for the text, links for the contents. */
function tagParts(api, tag) {
	const sections = [], links = [];
	for (const [path, item] of Object.entries(api.paths))
		for (const method of METHODS) {
			const o = item[method];
			if (!o || !o.tags.includes(tag.name))
				continue;
			sections.push(operation(api, path, method, item.parameters || [], o));
			links.push(link(o.operationId, el("span", { class: "method " + method }, method.toUpperCase()), " " + path));
		}
	return { sections, links };
}

function show(api) {
	const main = document.getElementById("main"), contents = document.getElementById("contents");
	main.replaceChildren(el("h1", {}, api.info.title + ": the API"), el("p", {}, prose(api.info.summary)),
		...api.info.description.split("\n\n").map((text) => el("p", {}, prose(text))),
		el("p", {}, "For programs: ", el("a", { href: "/openapi.json" }, "openapi.json"), " (OpenAPI " + api.openapi + "). ",
			"* is always there."));
	for (const tag of api.tags) {
		const { sections, links } = tagParts(api, tag);
		main.append(el("section", { id: "tag-" + tag.name }, el("h2", {}, tag.name), el("p", {}, prose(tag.description)), sections));
		contents.append(contentsList(tag.name, links));
	}
	const names = Object.keys(api.components.schemas);
	main.append(el("section", { id: "schemas" }, el("h2", {}, "schemas"),
		names.map((name) => schemaSection(name, api.components.schemas[name]))));
	contents.append(contentsList("schemas", names.map((name) => link("schema-" + name, name))));
}

/* What holds the words stays, in the contents and in the text. */
function filter(text) {
	const wanted = text.toLowerCase();
	const hide = (node) => { node.hidden = !node.textContent.toLowerCase().includes(wanted); };
	document.querySelectorAll("nav li, section.operation, section.schema").forEach(hide);
}

async function start() {
	try {
		const answer = await fetch("/openapi.json");
		if (!answer.ok)
			throw new Error("HTTP " + answer.status);
		show(await answer.json());
		document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
		if (location.hash.length > 1)
			document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
	} catch (error) {
		document.getElementById("waiting").textContent = "openapi.json could not be read: " + error.message;
	}
}

start();
