/* What `vpnunit help` prints, compiled in. */
	.section .rodata
	.global cli_help
cli_help:
	.incbin "templates/help.txt"
	.byte 0
	.section .note.GNU-stack,"",%progbits
