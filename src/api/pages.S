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
	page "/openapi.json", "application/json", "openapi.json"
	page "/docs", "text/html; charset=utf-8", "docs/docs.html"
	page "/docs/docs.css", "text/css; charset=utf-8", "docs/docs.css"
	page "/docs/docs.js", "text/javascript; charset=utf-8", "docs/docs.js"
	.quad 0
	.size page_files, . - page_files

	.section .note.GNU-stack, "", %progbits
