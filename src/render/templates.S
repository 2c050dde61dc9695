/*
 * The files of templates/ that are expanded at run time, compiled in: a table of
 * name and text (NUL-terminated), ended by two zeros; struct template_file of template.c.
 */
#ifdef __CET__
#include <cet.h>
#endif

	.macro template file
	.pushsection .rodata
.Lname\@:
	.asciz "\file"
.Ltext\@:
	.incbin "templates/\file"
	.byte 0
	.popsection
	.quad .Lname\@, .Ltext\@
	.endm

	.section .data.rel.ro, "aw"
	.balign 8
	.globl template_files
	.type template_files, %object
template_files:
	template "allowed_signers"
	template "client"
	template "client.ovpn"
	template "index.txt"
	template "index.txt.attr"
	template "nftables.conf"
	template "openssl-easyrsa.cnf"
	template "routes"
	template "schema.sql"
	template "serial"
	template "server.conf"
	.quad 0, 0
	.size template_files, . - template_files

	.section .note.GNU-stack, "", %progbits
