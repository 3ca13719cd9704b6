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
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
a { color: inherit; }
footer { color: var(--soft); font-size: .9rem; }
</style>
</head>
<body>
<main>
<h1>sluice demo: from <span class="old">shop-v1</span> to <span class="new">shop-v2</span></h1>
<p id="sentence" role="status">Waiting for the first second.</p>
<ol id="steps"><li>100/0</li><li>90/10</li><li>50/50</li><li>0/100</li><li>drain shop-v1</li>
<li>shop-v1 off</li></ol>
<section>
<h2>Share of the traffic</h2>
<div class="row"><span>weights</span><div class="bar"><div id="set"></div></div>
<span id="set-text"></span></div>
<div class="row"><span>last second</span><div class="bar"><div id="got"></div></div>
<span id="got-text"></span></div>
</section>
<section>
<h2>Requests per second: <span class="old">shop-v1</span>, <span class="new">shop-v2</span>;
the line is the weight</h2>
<svg id="chart" viewBox="0 0 900 210" role="img"
 aria-label="Requests per second and version over time"></svg>
</section>
<section class="tiles">
<div><b id="v1" class="old">0</b><small>answers of shop-v1</small></div>
<div><b id="v2" class="new">0</b><small>answers of shop-v2</small></div>
<div><b id="failures">0</b><small>failures</small></div>
<div><b id="rate">0</b><small>requests per second</small></div>
<div><b id="p99">-</b><small>99 % answered within</small></div>
<div><b id="open">0</b><small>connections shop-v1 counts</small></div>
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
  const most = Math.max(1, ...seconds.map(s => s.v1 + s.v2));
  const slots = Math.max(30, seconds.length);
  const wide = box.width / slots;
  const made = [];
  let line = '';
  seconds.forEach((s, i) => {
    const x = box.left + i * wide;
    const old = s.v1 / most * box.height, fresh = s.v2 / most * box.height;
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

function show(state) {
  put('sentence', state.sentence);
  [...at('steps').children].forEach((item, i) => {
    item.className = i < state.step ? 'past' : i === state.step ? 'now' : '';
  });
  put('v1', number(state.v1));
  put('v2', number(state.v2));
  put('failures', number(state.failures));
  at('failures').className = state.failures ? 'bad' : '';
  at('shop').href = state.shop;
  put('shop', state.shop);
  drawChart(state.seconds);
  const last = state.seconds[state.seconds.length - 1];
  if (!last) return;
  const answers = last.v1 + last.v2;
  const share = answers ? 100 * last.v2 / answers : 0;
  at('set').style.width = (100 - last.new_weight) + '%';
  put('set-text', (100 - last.new_weight) + ' / ' + last.new_weight);
  at('got').style.width = (100 - share) + '%';
  put('got-text', (100 - share).toFixed(1) + ' / ' + share.toFixed(1));
  put('rate', number(last.per_second));
  put('p99', (last.p99_us / 1000).toFixed(1) + ' ms');
  put('open', number(last.v1_connections));
}

async function tick() {
  try {
    show(await (await fetch('/demo/state')).json());
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
