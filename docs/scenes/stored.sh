# A run that was stored by an early version: tests/traces.
mkdir .paramedic && cp -r $REPO/tests/traces/* .paramedic/

# output: stored-runs
paramedic runs

# output: stored-report
paramedic report --fail-on never
