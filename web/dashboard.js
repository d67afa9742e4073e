// SPDX-License-Identifier: Apache-2.0
// The operators' page: asks for the figures of each topic and shows them as a chart and a table. Whatever comes from
// outside becomes text, never markup.

const share = (value) => value.toFixed(3);
const plain = (value) => String(value);

// What is told of each topic: the columns of its table, and the chart above it.
const TOPICS = [
  {
    name: "decisions",
    title: "Decisions",
    about: "People by outcome. “By emotions” are those whose outcome would have been another without them; that is told of days on which each group has ten people.",
    columns: [["Outcome", outcome], ["Average risk score", (g) => share(g.avg_risk_score), "number"]],
    chart: (groups, dates) => stacks("People by outcome", groups, dates, outcome),
  },
  {
    name: "reasons",
    title: "Reasons of denials",
    about: "People by what raised their risk; one person has several reasons. Only reasons that ten others were denied without.",
    columns: [["Reason", (g) => plain(g.reason_code)]],
    chart: (groups, dates) => stacks("People by reason, who may count several times", groups, dates, (g) => plain(g.reason_code)),
  },
  {
    name: "offers",
    title: "Offers",
    about: "People by type and fate of their offers, by the day of the offer. A day is counted once its offers have run out.",
    columns: [["Type", (g) => plain(g.credit_type)], ["Status", (g) => plain(g.status)]],
    chart: (groups, dates) => stacks("People by type and status of their offers", groups, dates, (g) => `${g.credit_type}, ${g.status}`),
  },
  {
    name: "emotions",
    title: "Emotions",
    about: "The average of each person's own averages of the day, so that everybody counts once.",
    columns: [
      ["Positivity", (g) => share(g.avg_positivity_score), "number"],
      ["Intensity", (g) => share(g.avg_intensity_score), "number"],
      ["Stress", (g) => share(g.avg_stress_level), "number"],
    ],
    chart: (groups, dates) => lines("Average positivity, intensity and stress", groups, dates, {
      Positivity: (g) => g.avg_positivity_score,
      Intensity: (g) => g.avg_intensity_score,
      Stress: (g) => g.avg_stress_level,
    }),
  },
];

function outcome(group) {
  const name = group.approved ? "approved" : "denied";
  const without = group.approved_without_emotions;
  if (without === null) {
    return `${name}, no more is told`;
  }
  return without === group.approved ? name : `${name} by emotions`;
}

// ---- building the page

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// ---- charts

const WIDTH = 900, HEIGHT = 220, LEFT = 44, RIGHT = 8, BOTTOM = 24, TOP = 12, COLOURS = 8;

// Each day from the first to the last that has a group, so that one without shows as a gap.
function span(groups) {
  const found = groups.map((g) => g.date).sort();
  const dates = [];
  for (let at = Date.parse(found[0]); at <= Date.parse(found.at(-1)); at += 24 * 3600 * 1000) {
    dates.push(new Date(at).toISOString().slice(0, 10));
  }
  return dates;
}

function scale(dates, most) {
  const step = (WIDTH - LEFT - RIGHT) / dates.length;
  return {
    step,
    x: (date) => LEFT + step * dates.indexOf(date),
    y: (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / most,
  };
}

function frame(label, dates, most, format, marks) {
  const at = scale(dates, most);
  const grid = [0, most / 2, most].flatMap((value) => [
    drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: at.y(value), y2: at.y(value) }),
    drawn("text", { x: LEFT - 6, y: at.y(value) + 4, "text-anchor": "end" }, format(value)),
  ]);
  const every = Math.ceil(dates.length / 10);
  const names = dates.filter((_, i) => i % every === 0).map((date) =>
    drawn("text", { x: at.x(date) + at.step / 2, y: HEIGHT - 8, "text-anchor": "middle" }, date.slice(5)));
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${label}, by day` },
    ...grid, ...names, ...marks(at));
}

function legend(names) {
  return element("ul", { class: "legend" }, ...names.map((name, i) =>
    element("li", {}, drawn("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" },
      drawn("rect", { class: `series-${i % COLOURS}`, width: 10, height: 10 })), name)));
}

// People of each day, one upon the other by what `kind` says of a group.
function stacks(label, groups, dates, kind) {
  const kinds = [...new Set(groups.map(kind))].sort();
  const of = (date) => groups.filter((g) => g.date === date);
  const most = Math.max(...dates.map((date) => of(date).reduce((sum, g) => sum + g.people, 0)));
  const marks = (at) => dates.flatMap((date) => {
    let below = 0;
    return kinds.flatMap((name, i) => of(date).filter((g) => kind(g) === name).map((g) => {
      const bar = drawn("rect", {
        class: `series-${i % COLOURS}`, x: at.x(date) + at.step * 0.1, width: at.step * 0.8,
        y: at.y(below + g.people), height: at.y(below) - at.y(below + g.people),
      }, drawn("title", {}, `${date}, ${name}: ${g.people} people`));
      below += g.people;
      return bar;
    }));
  });
  return [frame(label, dates, most, (v) => Number.isInteger(v) ? plain(v) : "", marks), legend(kinds)];
}

// Shares of each day, points of one colour for each name, joined where a day follows the other.
function lines(label, groups, dates, series) {
  const names = Object.keys(series);
  const marks = (at) => names.flatMap((name, i) => {
    const points = dates.map((date) => {
      const group = groups.find((g) => g.date === date);
      return group && { date, value: series[name](group), x: at.x(date) + at.step / 2, y: at.y(series[name](group)) };
    });
    return points.flatMap((point, n) => point ? [
      ...(points[n - 1] ? [drawn("line", { class: `series-${i}`, x1: points[n - 1].x, y1: points[n - 1].y, x2: point.x, y2: point.y })] : []),
      drawn("circle", { class: `series-${i}`, cx: point.x, cy: point.y, r: 3 },
        drawn("title", {}, `${point.date}, ${name}: ${share(point.value)}`)),
    ] : []);
  });
  return [frame(label, dates, 1, (v) => v.toFixed(1), marks), legend(names)];
}

// ---- topics

function table(topic, groups) {
  const columns = [["Date", (g) => plain(g.date)], ["People", (g) => plain(g.people), "number"], ...topic.columns];
  const style = (kind) => kind ? { class: kind } : {};
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${topic.title}, table` },
    element("table", {},
      element("thead", {}, element("tr", {}, ...columns.map(([name, , kind]) =>
        element("th", { scope: "col", ...style(kind) }, name)))),
      element("tbody", {}, ...groups.map((group) =>
        element("tr", {}, ...columns.map(([, text, kind]) => element("td", style(kind), text(group))))))));
}

function content(topic, answer) {
  if (answer.failed) {
    return [element("p", { class: "failed" }, answer.failed)];
  }
  const later = answer.complete ? [] : [element("p", { class: "soft" }, "Some days are still to be counted: show again in a moment.")];
  return answer.groups.length > 0
    ? [...later, ...topic.chart(answer.groups, span(answer.groups)), table(topic, answer.groups)]
    : [...later, element("p", { class: "soft" }, "No group of ten people or more in these days.")];
}

function section(topic, answer) {
  return element("section", {}, element("h2", {}, topic.title), element("p", {}, topic.about), ...content(topic, answer));
}

// ---- asking

class Refused extends Error {}

// What a proxy answers need not be JSON.
async function words(answer) {
  const body = await answer.json().catch(() => ({}));
  return body.detail ?? body.title ?? `The answer was ${answer.status}.`;
}

async function ask(topic, token, days) {
  const answer = await fetch(`/v1/insights/${topic.name}?days=${encodeURIComponent(days)}`, {
    headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit",
  });
  if (answer.status === 401 || answer.status === 403) {
    throw new Refused(await words(answer));
  }
  return answer.ok ? answer.json().catch(() => ({ failed: "The answer makes no sense." })) : { failed: await words(answer) };
}

const by = (id) => document.getElementById(id);

function say(text, failed) {
  by("status").textContent = text;
  by("status").classList.toggle("failed", failed);
}

// One after the other: a process counts days for one request at a time.
async function show(token, days) {
  const sections = [];
  try {
    for (const topic of TOPICS) {
      sections.push(section(topic, await ask(topic, token, days)));
    }
    say(`Shown at ${new Date().toLocaleTimeString()}.`, false);
  } catch (error) {
    sections.length = 0;
    say(error instanceof Refused ? error.message : `The system does not answer: ${error.message}`, true);
  }
  by("topics").replaceChildren(...sections);
}

by("entry").addEventListener("submit", async (event) => {
  event.preventDefault();
  say("Asking …", false);
  by("show").disabled = true;
  await show(by("token").value.trim(), by("days").value);
  by("show").disabled = false;
});
