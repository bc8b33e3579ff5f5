# Thin: a target sets up what it needs, then runs one script of local/, bench/ or tests/.
SHELL := bash
STACK ?= dev
TARGET ?=
ARGS ?=
BASE ?=
export STACK TARGET ARGS NAME FROM TO IMAGE
.PHONY: up down preview review rehearse-upgrade stack adopt test lint golden bench torture setup

up: setup ## start the stack: on a cluster, on kind, or embedded
	@local/up
down: setup ## remove the disposable stack, or stop the embedded server
	@local/down
preview: setup ## what an update would change; ARGS=--expect-no-changes
	@local/preview
stack: setup ## write the file of a new stack; NAME=team-a FROM=prod
	@local/stack
adopt: setup ## write a stack's lost state anew, from what runs in the cluster
	@local/adopt
review: setup ## what a change does to the database: of the stack, or since BASE=origin/main; ARGS=--json
	@local/review $(if $(BASE),--base "$(BASE)" $(if $(filter-out file,$(origin STACK)),--stack "$(STACK)"))
rehearse-upgrade: setup ## try a major upgrade on a clone of the stack's backup; TO=19, IMAGE=<built before>
	@local/rehearse-upgrade
test: setup ## every test; ARGS=unit for one layer, ARGS=tests/image/boot.test.ts for one file
	@tests/run $(ARGS)
lint: setup ## format, types, shell, Dockerfile, workflows
	@tests/run lint
golden: setup ## write tests/golden/ anew; review it as a diff
	@local/golden
bench: setup ## measure, and print a table of docs/performance.md; ARGS=restore, ARGS=upgrade, ARGS=plan
	@bench/run
torture: setup ## random histories of backups, restores, kills and faults; TORTURE_SEQUENCES, TORTURE_SEED
	@local/torture
setup:
	@local/setup
