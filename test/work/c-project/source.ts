import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** A library, a program that uses it, and tests of it: what a small project in C looks like. */
const files: Readonly<Record<string, string>> = {
  '.gitignore': 'build/\n',
  Makefile: `
CFLAGS ?= -O2 -Wall -Wextra -Werror -std=c11 -Iinclude -MMD -MP
objects = build/tokens.o build/evaluate.o

all: build/calc
check: build/test_calc build/calc
	./build/test_calc
	sh test/program.sh ./build/calc
build/libcalc.a: $(objects)
	$(AR) rcs $@ $(objects)
build/calc: build/main.o build/libcalc.a
	$(CC) -o $@ $^
build/test_calc: build/test_calc.o build/libcalc.a
	$(CC) -o $@ $^
build/%.o: src/%.c | build
	$(CC) $(CFLAGS) -c -o $@ $<
build/%.o: test/%.c | build
	$(CC) $(CFLAGS) -c -o $@ $<
build:
	mkdir -p build
-include $(wildcard build/*.d)
.PHONY: all check
`,
  'include/calc.h': `
#ifndef CALC_H
#define CALC_H
#include <stdbool.h>
struct token { char kind; double value; };
/* Reads one token and moves *text behind it; kind 0 at the end, '?' for what is none. */
struct token next_token(const char **text);
/* Evaluates + - * / and parentheses. False when text is no expression. */
bool evaluate(const char *text, double *result);
#endif
`,
  'src/tokens.c': `
#include "calc.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
struct token next_token(const char **text) {
  while (isspace((unsigned char)**text)) ++*text;
  if (**text == 0) return (struct token){0, 0};
  if (isdigit((unsigned char)**text)) {
    char *end;
    double value = strtod(*text, &end);
    *text = end;
    return (struct token){'n', value};
  }
  char kind = *(*text)++;
  return (struct token){strchr("+-*/()", kind) ? kind : '?', 0};
}
`,
  'src/evaluate.c': `
#include "calc.h"
struct state { const char *text; struct token now; bool failed; };
static void advance(struct state *s) { s->now = next_token(&s->text); }
static double sum(struct state *s);
static double factor(struct state *s) {
  struct token token = s->now;
  advance(s);
  if (token.kind == 'n') return token.value;
  if (token.kind == '-') return -factor(s);
  if (token.kind != '(') { s->failed = true; return 0; }
  double value = sum(s);
  if (s->now.kind != ')') s->failed = true;
  advance(s);
  return value;
}
static double product(struct state *s) {
  double value = factor(s);
  while (s->now.kind == '*' || s->now.kind == '/') {
    char kind = s->now.kind;
    advance(s);
    double right = factor(s);
    value = kind == '*' ? value * right : value / right;
  }
  return value;
}
static double sum(struct state *s) {
  double value = product(s);
  while (s->now.kind == '+' || s->now.kind == '-') {
    char kind = s->now.kind;
    advance(s);
    double right = product(s);
    value = kind == '+' ? value + right : value - right;
  }
  return value;
}
bool evaluate(const char *text, double *result) {
  struct state s = {text, {0, 0}, false};
  advance(&s);
  *result = sum(&s);
  return !s.failed && s.now.kind == 0;
}
`,
  'src/main.c': `
#include "calc.h"
#include <stdio.h>
int main(int argc, char **argv) {
  double result;
  if (argc != 2 || !evaluate(argv[1], &result)) {
    fprintf(stderr, "usage: calc EXPRESSION\\n");
    return 2;
  }
  printf("%g\\n", result);
  return 0;
}
`,
  'test/test_calc.c': `
#include "calc.h"
#include <math.h>
#include <stdio.h>
static const struct { const char *text; bool ok; double value; } cases[] = {
  {"1", true, 1}, {"1+2*3", true, 7}, {"(1+2)*3", true, 9}, {"-4/-2", true, 2}, {"2.5e3 - 500", true, 2000},
  {"", false, 0}, {"1+", false, 0}, {"(1", false, 0}, {"1 2", false, 0}, {"x", false, 0},
};
int main(void) {
  int count = sizeof cases / sizeof *cases, failed = 0;
  for (int i = 0; i < count; ++i) {
    double value;
    bool ok = evaluate(cases[i].text, &value);
    if (ok != cases[i].ok || (ok && fabs(value - cases[i].value) > 1e-9)) printf("not ok: %s\\n", cases[i].text), ++failed;
  }
  printf("%d of %d passed\\n", count - failed, count);
  return failed != 0;
}
`,
  'test/program.sh': `
set -eu
[ "$("$1" '6*7')" = 42 ]
if "$1" '6*' 2>/dev/null; then exit 1; fi
echo program ok
`,
}

export function writeProject(folder: string): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text.trimStart())
  }
}
