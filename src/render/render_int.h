/* Shared inside render: the table's signature, where renderers put files, templates. */
#ifndef RENDER_RENDER_INT_H
#define RENDER_RENDER_INT_H

#include "base/json.h"
#include "render/render.h"

struct output; /* files to write and to remove, by path below DATA */

enum output_flags {
	OUTPUT_SECRET = 1,   /* a private key: never in a diff, cleansed */
	OUTPUT_RELOAD = 2,   /* OpenVPN reads it at start only */
};

/* Bytes are copied. The last call for a path wins; a write wins over a removal. */
void output_write(struct output *o, const char *path, const void *data, size_t len, unsigned flags);
void output_remove(struct output *o, const char *path);

/* What a renderer works on. m may be a fork: render what it touched, or the whole file where the file is one. */
struct render_job {
	struct job *job;
	const struct model *model;
	const char *commit;
	const struct pki *pki;
	struct output *output;
	struct render *render;
};

struct renderer {
	const char *name;
	int (*run)(const struct render_job *r);
};

int render_pki(const struct render_job *r);
int render_openvpn(const struct render_job *r);
int render_routes(const struct render_job *r);
int render_firewall(const struct render_job *r);

/*
 * Expand templates/NAME (compiled in) with values: {{name}} a string or number as it is,
 * {{#list}}...{{/list}} once an element (members of the element first, then outer ones; {{.}} the element
 * itself), {{#flag}}...{{/flag}} when true, {{^flag}}...{{/flag}} when false, empty or missing.
 * A tag alone on its line takes the whole line. An unknown name is a bug: assert.
 * A value with a control character (a line end included) is refused: E_INVALID.
 */
int template_expand(struct job *j, const char *name, const struct json *values, struct buf *out);

#endif
