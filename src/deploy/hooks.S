/* The scripts of hooks/ that are installed into the state repository, compiled in; each text ends with a NUL. */
#ifdef __CET__
#include <cet.h>
#endif

	.section .rodata
	.globl hook_post_commit, hook_mirror_example, hook_proc_receive, hook_expiring_example
	.type hook_post_commit, %object
hook_post_commit:
	.incbin "hooks/post-commit"
	.byte 0
	.size hook_post_commit, . - hook_post_commit
	.type hook_mirror_example, %object
hook_mirror_example:
	.incbin "hooks/post-commit.d/mirror.example"
	.byte 0
	.size hook_mirror_example, . - hook_mirror_example
	.type hook_proc_receive, %object
hook_proc_receive:
	.incbin "hooks/proc-receive"
	.byte 0
	.size hook_proc_receive, . - hook_proc_receive

	.type hook_expiring_example, %object
hook_expiring_example:
	.incbin "hooks/expiring.example"
	.byte 0
	.size hook_expiring_example, . - hook_expiring_example

	.section .note.GNU-stack, "", %progbits
