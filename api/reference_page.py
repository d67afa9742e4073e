#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# reference_page.py OPENAPI.json OUTPUT.html: writes an OpenAPI 3.1 document as one static page, the API reference.

import json
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote

Node = dict[str, Any]

# What the page shows, or may leave out. Anything else but `x-...` ends the program: the page would be wrong.
DOCUMENT = "openapi info jsonSchemaDialect servers tags paths components security externalDocs"
METHODS = ("get", "post", "put", "patch", "delete")
OPERATION = "operationId tags summary description security parameters requestBody responses externalDocs"
PARAMETER = "name in description required schema example examples"
BODY, RESPONSE, MEDIA = "description required content", "description headers content", "schema example examples"
SCHEMA = """type format enum const default minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength
    maxLength pattern items minItems maxItems properties required additionalProperties oneOf title description
    example examples"""
NAMED = "properties headers responses content"  # maps, whose keys are names and no keywords
LITERALS = "example value default const enum"  # data: what looks like a $ref in them is none

CALLERS = {  # by security scheme: who may call, and the header that shows it
    "accessToken": ("a person with an access token", "Authorization: Bearer $TOKEN"),
    "operatorToken": ("an operator with a token of `ecs operator-token`", "Authorization: Bearer $OPERATOR_TOKEN"),
    "internalKey": ("a trusted sender with X-Internal-Key", "X-Internal-Key: $INTERNAL_SERVICE_API_KEY"),
}
SPANS = [("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items")]
LIMITS = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than", "multipleOf": "a multiple of",
          "pattern": "matching", "const": "always", "default": "by default"}
SENT, ANSWERED = ("optional", "required"), ("not always", "always")  # what `required` means of either

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --page: #fff; --text: #1b222c; --soft: #56606c; --line: #d6dce3; --panel: #f4f6f8;
  --link: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --page: #11161d; --text: #e3e8ee; --soft: #a0abb8; --line: #313b47; --panel: #1a212b; --link: #82bdfb } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.55 system-ui, sans-serif }
header, nav, main { padding: .5rem clamp(1rem, 3vw, 2.5rem) }
p, ul { max-width: 48rem }
h1, h2, h3, h4 { line-height: 1.25; margin: 1rem 0 .5rem; overflow-wrap: anywhere }
p, ul, pre, table, details { margin: .5rem 0 }
a { color: var(--link) }
a:hover code { text-decoration: underline }
h3 a { color: inherit; text-decoration: none }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
main:focus { outline: none }
.skip:not(:focus) { position: absolute; left: -99rem }
code, pre { font: .9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
pre, details { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .75rem }
pre { background: var(--panel); white-space: pre-wrap }
summary { cursor: pointer }
.method { flex: none; display: inline-block; width: 5em; padding: .1em 0; border-radius: .3em; text-align: center;
  color: #fff; background: #7a4a00; font: 700 .75rem/1.5 system-ui, sans-serif }
.GET { background: #0b57a4 } .POST { background: #17663a } .DELETE { background: #a3231c }
nav { border: 0 solid var(--line); border-width: 1px 0; font-size: .9rem }
nav h2 { font-size: 1rem }
nav ul { margin: 0; padding: 0; list-style: none }
nav a { display: flex; gap: .5em; align-items: baseline; padding: .2rem 0; text-decoration: none }
section section { padding: .5rem 0 1.5rem; border-top: 1px solid var(--line) }
table { width: 100%; table-layout: fixed; border-collapse: collapse; font-size: .925rem }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
small, thead th { color: var(--soft); font-weight: normal }
th:nth-last-child(n + 4) { width: 4.5rem } th:first-child { width: 32% } /* where a parameter is; a name */
th:nth-last-child(3) { width: 25% } th:nth-last-child(2) { width: 6.5rem } /* type and limits; presence */
th code, h3 code { font-weight: 600 }
td p { margin: 0 }
@media (min-width: 75rem) {
  .columns { display: grid; grid-template-columns: 23rem minmax(0, 1fr); max-width: 100rem }
  nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; border-width: 0 1px 0 0 } }
@media (max-width: 44rem) {
  thead { position: absolute; left: -99rem }
  table, tbody, tr, tbody th, td { display: block; padding: 0; border: 0 }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line) } }
@media print {
  nav, .skip { display: none }
  h2, h3, h4, summary { break-after: avoid }
  .method { color: inherit; background: none; border: 1px solid }
  details::details-content { content-visibility: visible; block-size: auto } }
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the operations</a>
<header>
<h1>$title <small>version $version</small></h1>
$description
<p>In the examples <code>$$API_URL</code> is where the API is served, <code>$$TOKEN</code> a person's access token,
<code>$$OPERATOR_TOKEN</code> an operator's, <code>$$INTERNAL_SERVICE_API_KEY</code> the key of trusted senders. Put ids of your own and a present time into them.</p>
</header>
<div class="columns">
<nav aria-label="Operations">
$links
</nav>
<main id="main" tabindex="-1">
$sections
</main>
</div>
</body>
</html>
""")


def known(node: Node, names: str, what: str) -> Node:
    for name in node:
        if name not in names.split() and not name.startswith("x-"):
            raise ValueError(f"{what} has `{name}`, which the page does not show")
    return node


def target(reference: str, document: Node) -> Node:
    found: Any = document if reference.startswith("#/") else None
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise ValueError(f"$ref {reference} leads nowhere")
    return found


def expanded(node: Any, document: Node, seen: tuple[str, ...] = ()) -> Any:
    """The node with the target in place of every $ref. A schema within itself is not opened again."""
    if isinstance(node, list):
        return [expanded(item, document, seen) for item in node]
    if not isinstance(node, dict):
        return node
    reference, result = node.get("$ref"), {}
    if isinstance(reference, str):
        known(node, "$ref summary description", f"what refers to {reference}")
        found = target(reference, document)
        again = {"type": "object like the one that it is in"}
        result = again if reference in seen else expanded(found, document, (*seen, reference))
    for name, value in node.items():
        if name in NAMED.split() and isinstance(value, dict):
            result[name] = {key: expanded(item, document, seen) for key, item in value.items()}
        elif name != "$ref":
            result[name] = value if name in LITERALS.split() else expanded(value, document, seen)
    return result


def code(value: Any) -> str:
    return f"<code>{escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}</code>"


def inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))


def prose(text: str) -> str:
    """Paragraphs, lists and `code` of CommonMark as HTML."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        lead, *items = re.split(r"^\s*- ", block, flags=re.M)
        out += [f"<p>{inline(lead)}</p>"] if lead.strip() else []
        out += ["<ul>", *(f"<li>{inline(item)}</li>" for item in items), "</ul>"] if items else []
    return "\n".join(out)


def span(low: Any, high: Any, unit: str) -> str:
    if low is None and high is None:
        return ""
    words = f"at least {low:,}" if high is None else f"at most {high:,}" if low is None else f"{low:,} to {high:,}"
    words = f"exactly {low:,}" if low == high else words
    return words + (unit.removesuffix("s") if words.endswith(" 1") else unit)


def kind(schema: Node) -> str:
    """The type of a value and its limits in words, as HTML."""
    known(schema, SCHEMA, "a schema")
    types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    style = f" ({escape(schema['format'])})" if "format" in schema else ""
    words = [escape(each) + style for each in types if each != "null"] + list(map(kind, schema.get("oneOf", [])))
    limits = [span(schema.get(low), schema.get(high), unit) for low, high, unit in SPANS]
    limits += ["one of " + ", ".join(map(code, schema["enum"]))] if "enum" in schema else []
    limits += [f"{phrase} {code(schema[name])}" for name, phrase in LIMITS.items() if name in schema]
    limits += [f"each item: {kind(schema['items'])}"] if "items" in schema else []
    head = " or ".join(dict.fromkeys(words + ["null"] * ("null" in types)))
    return ", ".join(filter(None, [head, *limits])) or "any value"


def row(name: str, schema: Node, presence: str, description: str, *more: str) -> list[str]:
    return [code(name.lstrip(".") or "(body)"), *more, kind(schema), presence, prose(description)]


def members(schema: Node, presence: tuple[str, str], prefix: str = "") -> Iterator[list[str]]:
    """A row for every member below the schema, by its dotted name."""
    required, properties, extra = (schema.get(name, {}) for name in ("required", "properties", "additionalProperties"))
    if strange := [name for name in required if name not in properties]:
        raise ValueError(f"`{strange[0]}` is required, and not described")
    below = [(f"{prefix}.{name}", each, presence[name in required]) for name, each in properties.items()]
    below += [(f"{prefix}[]", schema["items"], "")] if "items" in schema else []
    below += [(f"{prefix}.*", extra, "")] if isinstance(extra, dict) and extra else []
    forms = [each for each in schema.get("oneOf", []) if each != {"type": "null"}]
    below += [(prefix, each, f"form {number}" * (len(forms) > 1)) for number, each in enumerate(forms, 1)]
    for name, each, needed in below:
        if name != prefix or needed:
            yield row(name, each, needed, each.get("description", ""))
        yield from members(each, presence, name)


def table(headings: str, rows: Iterable[list[str]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in headings.split("|"))
    body = [f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
            for name, *cells in rows]
    return "\n".join(["<table>", f"<thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"] if body else [])


def examples(media: Node) -> list[tuple[str, Any]]:
    one = {"Example": {"value": media["example"]}} if "example" in media else {}
    return [(each.get("summary", name), each["value"]) for name, each in (one | media.get("examples", {})).items()]


def written(value: Any, media_type: str) -> str:
    if isinstance(value, str) and not re.search(r"[/+]json\b", media_type):
        return value
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 80 else json.dumps(value, ensure_ascii=False, indent=2)


def content(node: Node, presence: tuple[str, str]) -> Iterator[str]:
    for media_type, media in node.get("content", {}).items():
        schema = known(media, MEDIA, media_type).get("schema", {})
        yield f"<p>{code(media_type)}: {kind(schema)}</p>"
        yield prose(schema.get("description", ""))
        yield table("Member|Type and limits|Presence|Meaning", members(schema, presence))
        for title, value in examples(media):
            yield f"<p>{inline(title)}</p>\n<pre>{escape(written(value, media_type), quote=False)}</pre>"


def curl(method: str, path: str, node: Node, media_type: str = "", body: str = "") -> str:
    verb = "curl" if method == ("POST" if body else "GET") else f"curl -X {method}"
    words = [f'{verb} "$API_URL' + re.sub(r"\{(\w+)\}", lambda name: "$" + name[1].upper(), path) + '"']
    words += [f'-H "{CALLERS[scheme][1]}"' for scheme in (node["security"] or [{}])[0]]
    words += [f'-H "Content-Type: {media_type}"', f"-d {shlex.quote(body)}"] if body else []
    return "<pre>" + escape(" \\\n  ".join(words), quote=False) + "</pre>"


def call(method: str, path: str, node: Node) -> Iterator[str]:
    """Who may call, and how with curl: with each content type, and without a body where that may be left out."""
    ways = [" and ".join(CALLERS[scheme][0] for scheme in each) or "anyone" for each in node["security"]]
    yield f"<p>Who may call: {escape(' or '.join(ways) or 'anyone')}.</p>"
    body = node.get("requestBody", {})
    if not body.get("required"):
        yield curl(method, path, node)
    for media_type, media in body.get("content", {}).items():
        if not examples(media):
            raise ValueError(f"the request body {media_type} has no example to send")
        yield curl(method, path, node, media_type, written(examples(media)[0][1], media_type))


def request(node: Node) -> Iterator[str]:
    rows = []
    for each in node["parameters"]:
        name, place, required = each["name"], each["in"], each.get("required", False)
        known(each, PARAMETER, f"the parameter {name}")
        if required and place != "path":
            raise ValueError(f"the parameter {name} is required, but the line of curl has only those of the path")
        rows.append(row(name, each["schema"], SENT[required], each.get("description", ""), escape(place)))
    yield "<h4>Parameters</h4>" if rows else ""
    yield table("Name|In|Type and limits|Presence|Meaning", rows)
    if body := known(node.get("requestBody", {}), BODY, "the request body"):
        yield f"<h4>Request body ({SENT[body.get('required', False)]})</h4>"
        yield prose(body.get("description", ""))
        yield from content(body, SENT)


def headers(node: Node) -> str:
    rows = [row(name, each["schema"], ANSWERED[each.get("required", False)], each.get("description", ""))
            for name, each in node.get("headers", {}).items() if known(each, PARAMETER, f"the header {name}")]
    return table("Header|Type and limits|Presence|Meaning", rows)


def response(status: str, node: Node) -> Iterator[str]:
    known(node, RESPONSE, f"the response {status}")
    first, *rest = re.split(r"\n\s*\n", node["description"], maxsplit=1)
    yield f"<details{' open' * status.startswith('2')}>\n<summary>{code(status)} {inline(first)}</summary>"
    yield from map(prose, rest)
    yield headers(node)
    yield from content(node, ANSWERED)
    yield "</details>"


def responses(node: Node, document: Node) -> Iterator[str]:
    """Those that are this operation's own in full, those that are told at the end of the page in a line each."""
    shared = []
    for status, each in node["responses"].items():
        full, name = expanded(each, document), each.get("$ref", "").removeprefix("#/components/responses/")
        if name:
            shared.append(f'<li><a href="#{escape(name)}">{code(status)}</a> {inline(full["description"])}</li>')
        else:
            yield from response(status, full)
    yield "\n".join(["<ul>", *shared, "</ul>"]) if shared else ""


def section(title: str, method: str, path: str, node: Node, document: Node) -> str:
    name = escape(node["operationId"])
    parts = [f'<section id="{name}" aria-labelledby="{name}-title">', f'<h3 id="{name}-title">{title}</h3>',
             f"<p><strong>{inline(node['summary'])}</strong></p>", prose(node.get("description", "")),
             *call(method, path, node), *request(node), "<h4>Responses</h4>",
             *responses(node, document), "</section>"]
    return "\n".join(filter(None, parts))


def operation(name: str, path: str, document: Node) -> tuple[str, str, str]:
    """The operation's tag, its title as a link, and its section."""
    item, method = document["paths"][path], name.upper()
    raw = known(item[name], OPERATION, "the operation")
    node = {key: raw[key] if key == "responses" else expanded(raw[key], document) for key in raw}
    shared = expanded(item.get("parameters", []), document)
    parameters = {(each["in"], each["name"]): each for each in shared + node.get("parameters", [])}
    node = {"security": document.get("security", []), **node, "parameters": list(parameters.values())}
    badge = f'<span class="method {method}">{method}</span>'
    title = f'<a href="#{escape(node["operationId"])}">{badge} {code(path)}</a>'
    return next(iter(node["tags"]), "a tag"), title, section(title, method, path, node, document)


def errors(document: Node) -> Iterator[str]:
    """The responses that operations share."""
    yield "<section>\n<h2>Errors</h2>"
    for name, each in document.get("components", {}).get("responses", {}).items():
        node = known(expanded(each, document), RESPONSE, f"the response {name}")
        yield f'<section id="{escape(name)}">\n<h3>{escape(name)}</h3>\n{prose(node["description"])}'
        yield headers(node)
        yield from content(node, ANSWERED)
        yield "</section>"
    yield "</section>"


def page(document: Node) -> str:
    tags, info = document["tags"], known(document, DOCUMENT, "the document")["info"]
    links: dict[str, list[str]] = {tag["name"]: [] for tag in tags}
    sections = {tag["name"]: [f"<h2>{escape(tag['name'])}</h2>", prose(tag.get("description", ""))] for tag in tags}
    ids = [each["operationId"] for item in document["paths"].values() for name, each in item.items() if name in METHODS]
    if not document["openapi"].startswith("3.1.") or len(ids) != len({"main", *ids}) - 1:
        raise ValueError("it must be OpenAPI 3.1, and each operationId be there once")
    for path, item in document["paths"].items():
        for name in (each for each in known(item, " ".join(["parameters", *METHODS]), path) if each in METHODS):
            try:
                tag, title, text = operation(name, path, document)
                links[tag].append(f"<li>{title}</li>")
                sections[tag].append(text)
            except (LookupError, ValueError) as error:
                raise ValueError(f"{name.upper()} {path}: {reason(error)}") from error
    return PAGE.substitute(
        title=escape(info["title"]), version=escape(info["version"]), description=prose(info.get("description", "")),
        links="\n".join("\n".join([f"<h2>{escape(tag)}</h2>", "<ul>", *each, "</ul>"]) for tag, each in links.items()),
        sections="\n".join(["\n".join(["<section>", *each, "</section>"]) for each in sections.values()]
                           + list(errors(document))))


def reason(error: Exception) -> str:
    return f"{error} is missing, or not known" if isinstance(error, KeyError) else str(error)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: reference_page.py OPENAPI.json OUTPUT.html", file=sys.stderr)
        return 2
    source, output = map(Path, arguments)
    try:
        output.write_text(page(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
    except (LookupError, OSError, ValueError) as error:
        print(f"reference_page.py: {source}: {reason(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
