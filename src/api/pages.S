/*
 * What a browser loads, compiled in: a table of path, content type, first byte
 * and length, ended by a zero; struct page_file of pages.c.
 */
#ifdef __CET__
#include <cet.h>
#endif

	.macro page path, type, file
	.pushsection .rodata
.Lpath\@:
	.asciz "\path"
.Ltype\@:
	.asciz "\type"
.Ltext\@:
	.incbin "templates/\file"
.Lend\@:
	.popsection
	.quad .Lpath\@, .Ltype\@, .Ltext\@, .Lend\@ - .Ltext\@
	.endm

	.section .data.rel.ro, "aw"
	.balign 8
	.globl page_files
	.type page_files, %object
page_files:
	page "/", "text/html; charset=utf-8", "console/index.html"
	page "/console/console.css", "text/css; charset=utf-8", "console/console.css"
	page "/console/plan.css", "text/css; charset=utf-8", "console/plan.css"
	page "/console/icon.svg", "image/svg+xml", "console/icon.svg"
	page "/console/api.js", "text/javascript; charset=utf-8", "console/api.js"
	page "/console/dialog.js", "text/javascript; charset=utf-8", "console/dialog.js"
	page "/console/diff.js", "text/javascript; charset=utf-8", "console/diff.js"
	page "/console/dom.js", "text/javascript; charset=utf-8", "console/dom.js"
	page "/console/gateways.js", "text/javascript; charset=utf-8", "console/gateways.js"
	page "/console/history.js", "text/javascript; charset=utf-8", "console/history.js"
	page "/console/main.js", "text/javascript; charset=utf-8", "console/main.js"
	page "/console/plan.js", "text/javascript; charset=utf-8", "console/plan.js"
	page "/console/settings.js", "text/javascript; charset=utf-8", "console/settings.js"
	page "/console/state.js", "text/javascript; charset=utf-8", "console/state.js"
	page "/console/status.js", "text/javascript; charset=utf-8", "console/status.js"
	page "/console/users.js", "text/javascript; charset=utf-8", "console/users.js"
	page "/openapi.json", "application/json", "openapi.json"
	page "/docs", "text/html; charset=utf-8", "docs/docs.html"
	page "/docs/docs.css", "text/css; charset=utf-8", "docs/docs.css"
	page "/docs/docs.js", "text/javascript; charset=utf-8", "docs/docs.js"
	.quad 0
	.size page_files, . - page_files

	.section .note.GNU-stack, "", %progbits
