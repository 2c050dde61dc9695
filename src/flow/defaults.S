/* state/init, what `vpnunit init` starts a state from, compiled in; each ends with a NUL. */
	.section .rodata
	.global flow_init_network, flow_init_server
flow_init_network:
	.incbin "state/init/network.json"
	.byte 0
flow_init_server:
	.incbin "state/init/servers/main.json"
	.byte 0
	.section .note.GNU-stack,"",%progbits
