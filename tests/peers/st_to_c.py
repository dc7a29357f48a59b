"""Structured text to C, line by line: only the lines that FB_Inspector is made of, and it refuses every other.

There is no IEC 61131-3 compiler to install from the registries, so the block that is printed is itself what runs here.
``fields`` and ``compile_block`` make of it something that Python can call, too.
"""

import re

_TYPES = {"BOOL": "bool", "WORD": "uint16_t", "UDINT": "uint32_t", "INT": "int"}
_DECLARED = re.compile(r"^(\w+) : (?:ARRAY \[0\.\.(\d+)\] OF )?(\w+);$")
_ASSIGNED = re.compile(r"^([\w\[\]]+) := (.+);$")
_FOR = re.compile(r"^FOR (\w+) := (\d+) TO (\d+) DO$")
_IF = re.compile(r"^(IF|ELSIF) (.+) THEN$")
_FIXED = {"ELSE": "} else {", "END_IF;": "}", "END_FOR;": "}"}
_KEYWORDS = {"AND": "&", "OR": "|", "XOR": "^", "NOT": "!", "MOD": "%"}
_LITERALS = {"TRUE": "true", "FALSE": "false"}
_FUNCTIONS = {"SHR": "SHR", "ROL": "ROL", "WORD_TO_UDINT": "(uint32_t)", "UDINT_TO_WORD": "(uint16_t)"}
_LEVELS = (("OR",), ("XOR",), ("AND",), ("=", "<>"), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "MOD"))
_TOKEN = re.compile(r"16#[0-9A-F]+|\d+|\w+|<>|<=|>=|:=|[-+*/()\[\],=<>]")


class _Expression:
    """IEC 61131-3 expressions: precedence by the standard, every operation in brackets in C."""

    def __init__(self, text: str, names: set[str]) -> None:
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != text.replace(" ", ""):
            raise ValueError(f"cannot read the expression {text!r}")
        self._names = names

    def translated(self) -> str:
        given = self._level(0)
        if self._tokens:
            raise ValueError(f"{self._tokens} is left over")
        return given

    def _take(self) -> str:
        return self._tokens.pop(0)

    def _level(self, level: int) -> str:
        if level == len(_LEVELS):
            return self._one()
        left = self._level(level + 1)
        while self._tokens and self._tokens[0] in _LEVELS[level]:
            operator = self._take()
            operator = {"=": "==", "<>": "!="}.get(operator, _KEYWORDS.get(operator, operator))
            left = f"({left} {operator} {self._level(level + 1)})"
        return left

    def _one(self) -> str:
        first = self._take()
        if first in _LITERALS:
            return _LITERALS[first]
        if first[0].isdigit():
            return self._number(first)
        if first in {"(", "NOT"}:
            return self._grouped() if first == "(" else f"(!{self._one()})"
        return self._called(_FUNCTIONS[first]) if first in _FUNCTIONS else self._variable(first)

    @staticmethod
    def _number(digits: str) -> str:
        if digits.startswith("16#"):
            return f"0x{digits[3:]}u"
        return f"{digits}u" if int(digits) > 255 else digits

    def _grouped(self) -> str:
        inner = self._level(0)
        self._expect(")")
        return f"({inner})"

    def _variable(self, name: str) -> str:
        if name not in self._names:
            raise ValueError(f"{name!r} is not declared")
        if not self._tokens or self._tokens[0] != "[":
            return f"fb->{name}"
        self._take()
        index = self._level(0)
        self._expect("]")
        return f"fb->{name}[{index}]"

    def _called(self, function: str) -> str:
        self._expect("(")
        given = [self._level(0)]
        while self._tokens[0] == ",":
            self._take()
            given.append(self._level(0))
        self._expect(")")
        return f"{function}({', '.join(given)})"

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise ValueError(f"{token!r} is missing")


def translate(text: str) -> str:
    """A C header with ``struct fb`` and ``fb_call``, one line of C for one line of structured text.

    Raises:
        ValueError: a line that is none of those.
    """
    text = re.sub(r"\(\*.*?\*\)", "", text, flags=re.DOTALL)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    names: set[str] = set()
    fields: list[str] = []
    body: list[str] = []
    declaring = False
    if lines.pop(0) != "FUNCTION_BLOCK FB_Inspector" or lines.pop() != "END_FUNCTION_BLOCK":
        raise ValueError("no FUNCTION_BLOCK FB_Inspector ... END_FUNCTION_BLOCK")
    for line in lines:
        if line in {"VAR_INPUT", "VAR_OUTPUT", "VAR_OUTPUT RETAIN", "VAR"}:
            declaring = True
        elif line == "END_VAR":
            declaring = False
        elif declaring:
            name, last, kind = _matched(_DECLARED, line).groups()
            names.add(name)
            fields.append(f"    {_TYPES[kind]} {name}{f'[{int(last) + 1}]' if last else ''};")
        else:
            body.append("    " + _statement(line, names))
    shifts = (
        "static inline uint16_t SHR(uint16_t word, int n) { return (uint16_t)(word >> n); }\n"
        "static inline uint16_t ROL(uint16_t word, int n) { return (uint16_t)(word << n | word >> (16 - n)); }"
    )
    parts = ["#include <stdbool.h>", "#include <stdint.h>", shifts, "struct fb {", *fields, "};"]
    return "\n".join([*parts, "static void fb_call(struct fb *fb) {", *body, "}", ""])


def _statement(line: str, names: set[str]) -> str:
    if line in _FIXED:
        return _FIXED[line]
    if found := _FOR.match(line):
        variable, first, last = found.groups()
        return f"for (fb->{variable} = {first}; fb->{variable} <= {last}; fb->{variable}++) {{"
    if found := _IF.match(line):
        word, condition = found.groups()
        opening = "if" if word == "IF" else "} else if"
        return f"{opening} ({_Expression(condition, names).translated()}) {{"
    target, value = _matched(_ASSIGNED, line).groups()
    return f"{_Expression(target, names).translated()} = {_Expression(value, names).translated()};"


def _matched(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.match(line)
    if found is None:
        raise ValueError(f"not a line of this subset: {line!r}")
    return found
