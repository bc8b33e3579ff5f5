# Thin: a target sets up what it needs, then runs one script of local/ or tests/.
SHELL := bash
STACK ?= dev
TARGET ?=
ARGS ?=
export STACK TARGET ARGS NAME FROM
.PHONY: up down preview stack test lint golden bench setup

up: setup ## start the stack: on a cluster, on kind, or embedded
	@local/up
down: setup ## remove the disposable stack, or stop the embedded server
	@local/down
preview: setup ## what an update would change; ARGS=--expect-no-changes
	@local/preview
stack: setup ## write the file of a new stack; NAME=team-a FROM=prod
	@local/stack
test: setup ## every test; ARGS=unit for one layer
	@tests/run $(ARGS)
lint: setup ## format, types, shell, Dockerfile, workflows
	@tests/run lint
golden: setup ## write tests/golden/ anew; review it as a diff
	@local/golden
bench: setup ## measure, and print a table of docs/performance.md; ARGS=restore
	@local/bench
setup:
	@local/setup
