#compdef vpnunit
# zsh completion of vpnunit: the binary itself says what could come next; where it offers nothing, files are.
local -a found
found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2> /dev/null)}")
if [[ -n "${found[1]}" ]]; then
	compadd -- "${found[@]}"
else
	_files
fi
