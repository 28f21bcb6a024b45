# output: environment-version
paramedic --version

# output: environment-doctor
paramedic doctor

# output: environment-completion
eval "$(paramedic completion bash)"; COMP_WORDS=(paramedic explain softmax); COMP_CWORD=2; _paramedic_completion paramedic; printf "%s\n" "${COMPREPLY[@]}"
