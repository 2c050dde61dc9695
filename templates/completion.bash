# bash completion of vpnunit: the binary itself says what could come next.
_vpnunit() {
	local -a words
	COMPREPLY=()
	words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2> /dev/null)
}
# Where it offers nothing, files are.
complete -o bashdefault -o default -F _vpnunit vpnunit
