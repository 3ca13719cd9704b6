#include "proxy/program/demo_page.hpp"

namespace sluice::proxy::program {

const std::string_view demo_page = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sluice demo</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1c2430; --soft: #5d6878;
  --line: #dfe3e9; --old: #c2680c; --new: #0f766e; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #11151b; --card: #191f28; --ink: #e8ecf2; --soft: #97a3b4; --line: #2b3441;
    --old: #f0a044; --new: #3cc4b4; --bad: #ff7a6b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: .95rem; margin: 0 0 .75rem; color: var(--soft); font-weight: 600; }
#sentence { margin: .25rem 0 1.5rem; color: var(--soft); min-height: 1.5em; }
ol { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 0 0 1.25rem; }
ol li { padding: .2rem .8rem; border: 1px solid var(--line); border-radius: 2rem; color: var(--soft);
  font-size: .9rem; }
ol li.past { color: var(--ink); }
ol li.now { background: var(--ink); border-color: var(--ink); color: var(--paper); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.1rem 1.25rem; margin-bottom: 1rem; }
.row { display: grid; grid-template-columns: 6.5rem 1fr 7rem; gap: .75rem; align-items: center;
  margin: .35rem 0; }
.row span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.bar { height: 1.4rem; border-radius: .4rem; overflow: hidden; background: var(--new); }
.bar div { height: 100%; background: var(--old); width: 100%; transition: width .4s; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles small { color: var(--soft); }
.old { color: var(--old); } .new { color: var(--new); } .bad { color: var(--bad); }
.meter { background: var(--line); }
.meter div { width: 0; background: var(--new); }
#harm { background: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: .2rem 0; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
#words, #spared { margin: .6rem 0; min-height: 1.5em; color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
a { color: inherit; }
footer { color: var(--soft); font-size: .9rem; }
</style>
</head>
<body>
<main>
<h1>sluice demo: from <span class="old" data-name="old">shop-v1</span> to
<span class="new" data-name="new">shop-v2</span></h1>
<p id="sentence" role="status">Waiting for the first second.</p>
<ol id="steps"><li>100/0</li><li>90/10</li><li>50/50</li><li>0/100</li><li>drain shop-v1</li>
<li>shop-v1 off</li><li>a good release</li><li>one with errors</li><li>a slow one</li></ol>
<section id="rollout" hidden>
<h2>The rollout, as the proxy sees it</h2>
<div class="row"><span id="state"></span><div class="bar meter"><div id="weight"></div></div>
<span id="weight-text"></span></div>
<div class="row"><span>evidence of harm</span><div class="bar meter"><div id="harm"></div></div>
<span id="harm-text"></span></div>
<p id="words"></p>
<table><thead><tr><th>bad requests</th><th class="old" data-name="old"></th>
<th class="new" data-name="new"></th><th>evidence</th></tr></thead><tbody id="streams"></tbody></table>
<p id="spared"></p>
</section>
<section>
<h2>Share of the traffic</h2>
<div class="row"><span>weights</span><div class="bar"><div id="set"></div></div>
<span id="set-text"></span></div>
<div class="row"><span>last second</span><div class="bar"><div id="got"></div></div>
<span id="got-text"></span></div>
</section>
<section>
<h2>Requests per second: <span class="old" data-name="old">shop-v1</span>,
<span class="new" data-name="new">shop-v2</span>; the line is the weight</h2>
<svg id="chart" viewBox="0 0 900 210" role="img"
 aria-label="Requests per second and version over time"></svg>
</section>
<section class="tiles">
<div><b id="old" class="old">0</b><small>answers of <span data-name="old">shop-v1</span></small></div>
<div><b id="new" class="new">0</b><small>answers of <span data-name="new">shop-v2</span></small></div>
<div><b id="failures">0</b><small>failures</small></div>
<div><b id="rate">0</b><small>requests per second</small></div>
<div><b id="p99">-</b><small>99 % answered within</small></div>
<div><b id="open">0</b><small>connections <span data-name="old">shop-v1</span> counts</small></div>
</section>
<footer>The shop, through the proxy: <a id="shop" href="#">...</a>. <span id="gone"></span></footer>
</main>
<script>
'use strict';
const at = id => document.getElementById(id);
const put = (id, text) => { at(id).textContent = text; };
const number = n => n.toLocaleString('en');
const box = { left: 44, top: 8, width: 852, height: 180 };

function element(name, attributes, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawChart(seconds) {
  const chart = at('chart');
  const most = Math.max(1, ...seconds.map(s => s.old + s.new));
  const slots = Math.max(30, seconds.length);
  const wide = box.width / slots;
  const made = [];
  let line = '';
  seconds.forEach((s, i) => {
    const x = box.left + i * wide;
    const old = s.old / most * box.height, fresh = s.new / most * box.height;
    const base = box.top + box.height;
    const bar = { x, width: Math.max(1, wide - 2) };
    made.push(element('rect', { ...bar, y: base - old, height: old, fill: 'var(--old)' }));
    made.push(element('rect', { ...bar, y: base - old - fresh, height: fresh, fill: 'var(--new)' }));
    const y = box.top + box.height * s.new_weight / 100;
    line += (i ? 'L' : 'M') + x + ' ' + y + 'L' + (x + wide) + ' ' + y;
  });
  made.push(element('path', { d: line || 'M0 0', fill: 'none', stroke: 'var(--ink)',
    'stroke-width': 2 }));
  made.push(element('text', { x: 0, y: box.top + 10 }, number(most)));
  made.push(element('text', { x: 0, y: box.top + box.height }, '0'));
  if (seconds.length)
    made.push(element('text', { x: box.left, y: 206 }, (seconds[0].at_ms / 1000).toFixed(0) + ' s'));
  chart.replaceChildren(...made);
}

const streams = ['errors', 'p50', 'p90', 'p99', 'client_errors'];
const figure = n => n >= 1e6 ? n.toExponential(1) : number(Number(n.toPrecision(3)));

function cells(...texts) {
  const row = document.createElement('tr');
  for (const text of texts) row.insertCell().textContent = text;
  return row;
}

function showRollout(rollout) {
  at('rollout').hidden = !rollout;
  if (!rollout) return;
  const weight = rollout.weights[rollout.to], harm = rollout.evidence;
  const part = Math.log(Math.max(1, harm.total)) / Math.log(harm.threshold);
  put('state', rollout.state.replace('_', ' ') +
    (rollout.step ? ' ' + rollout.step + '/' + rollout.steps : ''));
  at('weight').style.width = weight + '%';
  put('weight-text', weight + ' %');
  at('harm').style.width = Math.min(100, 100 * part) + '%';
  put('harm-text', figure(harm.total) + ' of ' + number(harm.threshold));
  put('words', rollout.words || rollout.next.words);
  at('streams').replaceChildren(...streams.map(name => cells(name.replace('_', ' '),
    number(rollout.counts.old[name]), number(rollout.counts.new[name]), figure(harm[name]))));
  put('spared', rollout.counts.bad_delivered + ' errors reached users, ' +
    rollout.counts.shielded + ' were repeated on ' + rollout.from + ' instead.');
}

function show(state) {
  put('sentence', state.sentence);
  for (const item of document.querySelectorAll('[data-name]'))
    item.textContent = state[item.dataset.name + '_name'];
  [...at('steps').children].forEach((item, i) => {
    item.className = i < state.step ? 'past' : i === state.step ? 'now' : '';
  });
  put('old', number(state.old));
  put('new', number(state.new));
  put('failures', number(state.failures));
  at('failures').className = state.failures ? 'bad' : '';
  at('shop').href = state.shop;
  put('shop', state.shop);
  drawChart(state.seconds);
  const last = state.seconds[state.seconds.length - 1];
  if (!last) return;
  const answers = last.old + last.new;
  const share = answers ? 100 * last.new / answers : 0;
  at('set').style.width = (100 - last.new_weight) + '%';
  put('set-text', (100 - last.new_weight) + ' / ' + last.new_weight);
  at('got').style.width = (100 - share) + '%';
  put('got-text', (100 - share).toFixed(1) + ' / ' + share.toFixed(1));
  put('rate', number(last.per_second));
  put('p99', (last.p99_us / 1000).toFixed(1) + ' ms');
  put('open', number(last.old_connections));
}

async function tick() {
  try {
    show(await (await fetch('/demo/state')).json());
    showRollout(await (await fetch('/demo/rollout')).json());
    put('gone', '');
  } catch (error) {
    put('gone', 'The demonstration has ended; sluice demo --keep stays until Ctrl-C.');
  }
  setTimeout(tick, 500);
}
tick();
</script>
</body>
</html>
)page";

}  // namespace sluice::proxy::program
