// The report is a view of the results in the page: nothing is computed here that they do not say.
'use strict';

const runs = JSON.parse(document.getElementById('results').textContent);
const hues = ['#5b6470', '#2f7ed8', '#17a398', '#e07a1f', '#c0392b', '#a05fc4', '#7a9a01'];
const charts = [];

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  for (const child of children.flat())
    if (child !== null && child !== undefined) element.append(child);
  return element;
}

const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const color = index => hues[index % hues.length];

// Numbers for people, as the command prints them.
function bytes(n) {
  return n < 1e3 ? n + ' B' : n < 1e6 ? (n / 1e3).toFixed(1) + ' kB' : (n / 1e6).toFixed(2) + ' MB';
}
function digits(n) { return n < 9.995 ? n.toFixed(2) : n < 99.95 ? n.toFixed(1) : n.toFixed(0); }
function time(ns) {
  return ns < 999.5e3 ? digits(ns / 1e3) + ' µs' : ns < 999.5e6 ? digits(ns / 1e6) + ' ms'
    : digits(ns / 1e9) + ' s';
}
function points(x) {
  const p = Math.round(x * 1e4) / 1e2;
  return (p < 0 ? '−' : p > 0 ? '+' : '') + Math.abs(p).toFixed(2);
}
const percent = x => (100 * x).toFixed(2) + ' %';

const made = run => run.forms.filter(form => form.status === 'ok');
const labelled = run => run.data.labelled;
const advised = run => run.advice && run.advice.form;

function table(heads, rows, classes, kind) {
  const cell = (tag, value, i) => {
    const node = make(tag, {}, value);
    if (heads[i].endsWith('#')) node.className = 'number';
    if (heads[i].endsWith('~')) node.className = 'free';
    if (tag === 'th') node.scope = 'col';
    return node;
  };
  // Wide and tall tables scroll by themselves: the keyboard can reach them, and they say what they are.
  const names = heads.map(head => head.replace(/[#~]$/, ''));
  return make('div', { class: kind || 'wide', role: 'region', tabindex: '0',
    'aria-label': 'table: ' + names.filter(name => name).join(', ') }, make('table', {},
    make('thead', {}, make('tr', {}, names.map((name, i) => cell('th', name, i)))),
    make('tbody', {}, rows.map((row, r) => make('tr', { class: (classes && classes[r]) || '' },
      row.map((value, i) => cell('td', value, i)))))));
}

// Measurements of a form: the phone's where there is one, else the host's.
const phone_of = run => run.device && run.device.via === 'adb' ? run.device : null;
const there = (run, form) => (phone_of(run) && form.device) || {};
const accuracy_of = (run, form) => there(run, form).accuracy || form.accuracy;
const against_of = (run, form) => there(run, form).against_float || form.against_float;
const latency_of = (run, form) => there(run, form).latency || form.latency;

function latency_cells(latency) {
  return latency ? [make('span', {}, time(latency.median_ns.value), ' ',
    make('small', {}, time(latency.median_ns.low) + ' … ' + time(latency.median_ns.high))),
  latency.ratio.value.toFixed(2)] : ['—', '—'];
}

function forms_table(run) {
  const phone = phone_of(run);
  const rows = run.forms.map((form, i) => {
    if (form.status !== 'ok')
      return [form.form, '', make('span', { class: 'no' }, form.reason), '', '', ''].concat(phone ? ['', ''] : []);
    const against = against_of(run, form), accuracy = accuracy_of(run, form), top1 = accuracy.top1;
    const quality = labelled(run)
      ? [percent(top1.rate), ' ', make('small', {}, top1.correct + '/' + accuracy.samples)]
      : [percent(against.agree.rate), ' ', make('small', {}, against.agree.count + '/' + accuracy.samples)];
    const d = against.difference;
    return [form.form, bytes(form.bytes), make('span', {}, quality),
      i === 0 || !d ? '—' : make('span', {}, points(d.value), ' ',
        make('small', {}, points(d.low) + ' … ' + points(d.high)))]
      .concat(latency_cells(form.latency), phone ? latency_cells(there(run, form).latency) : []);
  });
  return [phone ? phone_line(run) : null, table(['form', 'size#',
    labelled(run) ? 'accuracy' : 'same answers as float32', 'Δ points (95 %)',
    phone ? 'host (95 %)' : 'latency (95 %)', '× float#'].concat(phone ? [phone.name + ' (95 %)', '× float#'] : []),
  rows, run.forms.map(form => form.form === advised(run) ? 'advised' : ''))];
}

// The same files in another runtime on the same device, where the app measured it.
function engines_table(run) {
  const rows = made(run).flatMap(form => (form.engines || []).map(other => [form.form,
    other.engine + (other.xnnpack ? ', XNNPACK' : ''), other.top1 === undefined ? '—' : percent(other.top1 / other.samples),
    other.same_as_octavo === undefined ? '—' : String(other.samples - other.same_as_octavo),
    ...(other.status === 'ok' ? latency_cells(other.latency) : [make('span', { class: 'no' }, other.reason), '—']),
    other.latency && other.latency.to_octavo ? other.latency.to_octavo.value.toFixed(2) : '—']));
  return rows.length ? section('Other engines', make('p', { class: 'small' }, '× float is within the same engine.'),
    table(['form', 'engine', 'accuracy#', 'other answers#', 'latency (95 %)', '× float#', '× octavo#'], rows)) : null;
}

function phone_line(run) {
  const measured = made(run).filter(form => there(run, form).accuracy);
  const sum = pick => measured.reduce((total, form) => total + pick(form.device), 0);
  return make('p', {}, (run.device.reason ? 'Measurements on ' + run.device.name + ' are incomplete: ' +
    run.device.reason + '. ' : '') + (measured.length ? 'Accuracy is that of ' + run.device.name + ': ' +
    sum(form => form.same_as_host) + ' of ' + sum(form => form.accuracy.samples) + ' answers are the host\'s.'
    : 'Accuracy is the host\'s.'));
}

function advice(run) {
  const lines = run.advice.text.split('\n\n')[0].split('\n').filter(line => line);
  const tail = run.advice.text.split('What would change the answer:\n')[1];
  const box = make('div', { class: 'advice' }, make('strong', {}, lines[0]),
    lines.slice(1).map(line => make('p', { class: 'small' }, line)));
  const forks = make('ol', { class: 'forks' }, run.advice.forks.map(fork => make('li', {}, fork.question,
    ['yes', 'unclear', 'no'].map(answer => {
      const forms = fork.forms.filter(form => form.answer === answer);
      return forms.length === 0 ? null : make('div', { class: 'small ' + answer }, answer + ': ' +
        forms.map(form => form.form + (form.number ? ' (' + form.number + ')' : '')).join(', '));
    }))), make('li', {}, run.advice.choice));
  return [box, make('details', { open: '' }, make('summary', {}, 'How it was decided'), forks,
    tail ? make('div', {}, make('p', {}, 'What would change the answer:'), make('ul', {},
      tail.trim().split('\n').map(line => make('li', { class: 'small' }, line.replace(/^\s*- /, ''))))) : null)];
}

// Charts. Each is a function of the canvas, so that a change of theme can draw it again.

function axis(title, more) {
  return Object.assign({ title: { display: true, text: title, color: style('--quiet') },
    ticks: { color: style('--quiet') }, grid: { color: style('--line') } }, more);
}

function options(x, y, more) {
  return Object.assign({ responsive: true, maintainAspectRatio: false, animation: false,
    scales: { x, y }, plugins: { legend: { labels: { color: style('--text'), boxWidth: 12 } } } }, more);
}

function size_chart(run) {
  const forms = made(run), causes = Object.keys(forms[0].ledger)
    .filter(cause => forms.some(form => form.ledger[cause] > 0));
  return { type: 'bar', data: { labels: forms.map(form => form.form),
    datasets: causes.map((cause, i) => ({ label: cause.replace('_', ' '), backgroundColor: color(i + 1),
      data: forms.map(form => form.ledger[cause]) })) },
    options: options(axis('bytes', { stacked: true, ticks: { color: style('--quiet'), callback: bytes, maxTicksLimit: 6 } }),
      axis('', { stacked: true, grid: { display: false }, title: { display: false } }), { indexAxis: 'y',
        plugins: { legend: { labels: { color: style('--text'), boxWidth: 12 } },
          tooltip: { callbacks: { label: c => c.dataset.label + ': ' + bytes(c.raw) } } } }) };
}

// Intervals as thin floating bars with the estimate as a point on them. first: index of the first name's form.
function interval_chart(names, values, title, format, first, line) {
  const datasets = [
    { type: 'line', showLine: false, pointRadius: 5, pointBackgroundColor: names.map((_, i) => color(i + first)),
      pointBorderWidth: 0, data: values.map(v => v.value), label: 'estimate' },
    { type: 'bar', barThickness: 4, backgroundColor: names.map((_, i) => color(i + first) + '99'),
      data: values.map(v => [v.low, v.high]), label: '95 % interval' }];
  const low = Math.min(...values.map(v => v.low)), high = Math.max(...values.map(v => v.high));
  const margin = (high - low) * 0.08 || 0.001;
  const x = axis(title, { min: low - margin, max: high + margin,
    ticks: { color: style('--quiet'), callback: format, maxTicksLimit: 6, includeBounds: false } });
  if (line !== undefined)
    x.grid = { color: c => c.tick.value === line ? style('--text') : style('--line') };
  return { type: 'bar', data: { labels: names, datasets },
    options: options(x, axis('', { grid: { display: false }, title: { display: false } }), { indexAxis: 'y',
      plugins: { legend: { display: false }, tooltip: { callbacks: {
        label: c => Array.isArray(c.raw) ? format(c.raw[0]) + ' … ' + format(c.raw[1]) : format(c.raw) } } } }) };
}

function accuracy_chart(run) {
  const forms = made(run);
  return labelled(run)
    ? interval_chart(forms.map(form => form.form), forms.map(form => accuracy_of(run, form).top1)
      .map(top1 => ({ value: top1.rate, low: top1.low, high: top1.high })), 'accuracy', percent, 0)
    : interval_chart(forms.map(form => form.form), forms.map(form => against_of(run, form).agree)
      .map(agree => ({ value: agree.rate, low: agree.low, high: agree.high })), 'same answers', percent, 0);
}

function difference_chart(run) {
  const forms = made(run).slice(1);
  return interval_chart(forms.map(form => form.form), forms.map(form => against_of(run, form).difference),
    'accuracy − accuracy of float32, points', points, 1, 0);
}

// How the error builds up: every compared tensor of each form in the order of execution.
function error_chart(run) {
  const datasets = made(run).map((form, i) => ({ form, i })).filter(({ form }) => (form.errors || []).length)
    .map(({ form, i }) => ({ label: form.form, borderColor: color(i), backgroundColor: color(i), borderWidth: 2,
      pointRadius: 0, pointHitRadius: 6, data: form.errors.map((e, x) => ({ x, y: e.sqnr_db, error: e }))
        .filter(point => point.y !== null), showLine: true }));
  return { type: 'scatter', data: { datasets }, options: options(axis('operators in order of execution'),
    axis('SQNR against float32, dB'), { plugins: { legend: { labels: { color: style('--text'), boxWidth: 12 } },
      tooltip: { callbacks: { label: c => c.dataset.label + ', ' + c.raw.error.layer + ': ' +
        c.raw.y.toFixed(1) + ' dB' + (c.raw.error.channels_rescaled ? ', channels rescaled' : '') } } } }) };
}

// The share of rounds that took at most so long, through 101 quantiles. Rare disturbances take a thousand
// times as long; the axis ends where every form has 90 % of its rounds.
function latency_chart(run, pick) {
  const timed = made(run).map(pick).filter(latency => latency);
  const shortest = Math.min(...timed.map(latency => latency.min_ns)) / 1e6;
  const longest = Math.max(...timed.map(latency => latency.p90_ns)) / 1e6;
  const datasets = made(run).filter(pick).map((form, i) => {
    const sorted = pick(form).times_ns.slice().sort((a, b) => a - b);
    const data = Array.from({ length: 101 }, (_, p) =>
      ({ x: sorted[Math.round(p / 100 * (sorted.length - 1))] / 1e6, y: p }));
    return { label: form.form, data, borderColor: color(i), backgroundColor: color(i), borderWidth: 2,
      pointRadius: 0, showLine: true };
  });
  return { type: 'scatter', data: { datasets }, options: options(
    axis('latency, ms (logarithmic)', { type: 'logarithmic', min: shortest * 0.8, max: longest * 1.2,
      ticks: { color: style('--quiet'), maxTicksLimit: 7, callback: v => digits(v) } }),
    axis('% of rounds', { min: 0, max: 100 })) };
}

function tradeoff_chart(run) {
  const quality = form => labelled(run) ? accuracy_of(run, form).top1.rate : against_of(run, form).agree.rate;
  const slowest = Math.max(...made(run).map(form => latency_of(run, form) ? latency_of(run, form).median_ns.value : 0));
  const all = made(run).map(form => 100 * quality(form));
  const datasets = made(run).map((form, i) => ({ label: form.form, backgroundColor: color(i) + 'b0',
    data: [{ x: form.bytes / 1e6, y: 100 * quality(form),
      r: latency_of(run, form) ? 4 + 16 * Math.sqrt(latency_of(run, form).median_ns.value / slowest) : 7 }] }));
  return { type: 'bubble', data: { datasets }, options: options(axis('size, MB', { beginAtZero: true }),
    axis(labelled(run) ? 'accuracy, %' : 'same answers, %', 
      { suggestedMin: Math.min(...all) - 0.3, suggestedMax: Math.max(...all) + 0.3 }), { plugins: {
      legend: { labels: { color: style('--text'), boxWidth: 12 } },
      tooltip: { callbacks: { label: c => { const form = made(run)[c.datasetIndex];
        return [form.form, bytes(form.bytes), percent(quality(form))]
          .concat(latency_of(run, form) ? [time(latency_of(run, form).median_ns.value)] : []).join(', '); } } } } }) };
}

function chart_card(title, note, configure, run) {
  const canvas = make('canvas', { role: 'img', 'aria-label': title });
  charts.push({ canvas, configure: () => configure(run), chart: null });
  return make('div', { class: 'chart' }, make('h3', {}, title), make('div', {}, canvas),
    make('p', { class: 'quiet small' }, note));
}

// What is named here is what the command names: a trend, or outliers in more than a tenth of the rounds.
function steadiness(run, pick) {
  const named = made(run).filter(pick).flatMap(form => {
    const latency = pick(form), s = latency.steadiness, rounds = latency.times_ns.length;
    return s ? [s.drifted ? form.form + ' drifted by ' + signed(100 * s.drift, digits) + ' %' : null,
      s.outliers > 0.1 * rounds ? s.outliers + ' of ' + rounds + ' rounds of ' + form.form + ' are above ' + time(s.outlier_ns)
        : null] : [];
  }).filter(text => text);
  return 'Share of rounds that took at most so long; steep is steady.' + (named.length ? ' Not steady: ' + named.join('; ') + '.' : '');
}


function charts_of(run) {
  if (typeof Chart === 'undefined')
    return [make('p', { class: 'quiet' }, 'No charts: Chart.js was not found when this Octavo was built. ' +
      'The tables have all numbers.')];
  const timed = made(run).some(form => form.latency);
  const phone = form => there(run, form).latency;
  return [make('div', { class: 'charts' },
    chart_card('Size by cause', 'Where the bytes of each file go.', size_chart, run),
    chart_card(labelled(run) ? 'Accuracy' : 'Agreement with float32', 'Bars are 95 % Wilson intervals.',
      accuracy_chart, run),
    labelled(run) && made(run).length > 1 ? chart_card('Accuracy against float32',
      '95 % score intervals of the difference on the same samples; pairing makes them narrower than those of the accuracies.',
      difference_chart, run) : null,
    timed ? chart_card(phone_of(run) ? 'Latency on the host' : 'Latency', steadiness(run, form => form.latency),
      run => latency_chart(run, form => form.latency), run) : null,
    made(run).some(phone) ? chart_card('Latency on ' + run.device.name, steadiness(run, phone), run => latency_chart(run, phone), run)
      : null,
    made(run).some(form => (form.errors || []).length) ? chart_card('Error through the network',
      'Higher is nearer to float32; a step down is where precision is lost.', error_chart, run) : null,
    chart_card('Trade-off', timed ? 'Small and high is good; the area of a circle is its latency.'
      : 'Small and high is good.', tradeoff_chart, run))];
}

function draw() {
  for (const entry of charts) {
    if (entry.chart) entry.chart.destroy();
    entry.chart = new Chart(entry.canvas, entry.configure());
  }
}

// Details.

function layers(form) {
  if (!form.layers.length || form.form === 'float32') return null;
  const notable = form.layers.filter(layer => layer.reason).length;
  return make('details', {}, make('summary', {}, form.form + ': what became of ' + form.layers.length + ' layers' +
    (notable ? ', ' + notable + ' not as the mode asks' : '')),
  table(['layer~', 'operator', 'result', 'why~', 'weights before#', 'after#'], form.layers.map(layer =>
    [layer.layer, layer.op, layer.result, layer.reason, layer.bytes_before ? bytes(layer.bytes_before) : '',
      layer.bytes_before ? bytes(layer.bytes_after) : ''])));
}

// What enters a layer and what it adds; runs of older versions have no shares of the blame.
function worst(form) {
  const errors = (form.errors || []).filter(e => e.sqnr_db !== null);
  if (!errors.length) return null;
  const blamed = errors.some(e => e.blame > 0), rank = e => blamed ? e.blame || 0 : e.loss_db;
  const most = errors.slice().sort((a, b) => rank(b) - rank(a)).slice(0, 10);
  const db = value => value === undefined ? '—' : value === null ? 'none' : value.toFixed(1) + ' dB';
  const prices = form.blamed || [];
  return make('details', {}, make('summary', {}, form.form + ': worst layers'),
    table(['layer~', 'operator', 'SQNR#', 'entering#', 'added#', 'blame#', 'saturated#', 'codes used#', 'range / needed#'],
      most.map(e => [[e.layer, e.channels_rescaled ? make('small', {}, ' ' + e.channels_rescaled + ' channels rescaled') : ''],
        e.op, db(e.sqnr_db), db(e.entering_db), db(e.added_db),
        e.blame === undefined ? '—' : (100 * e.blame).toFixed(1) + ' %', (100 * e.saturated).toFixed(2) + ' %',
        e.codes_used || '—', range_use(e)])),
    make('p', { class: 'quiet small' }, 'Entering: the error that an exact layer would make of its inputs. Added: what this ' +
      'layer adds to it. Blame: its share of all error added. Range / needed: what the codes cover, of what all but 0.01 % of ' +
      'the float values at each end span.'),
    prices.length ? [make('h3', {}, 'Kept in float, each of these would add'),
      table(['layer~', 'blame#', 'bytes#', 'time#', 'of it conversions#'], prices.map(p =>
        [p.layer, (100 * p.blame).toFixed(1) + ' %', signed(p.float_adds_bytes, bytes),
          p.float_adds_ns === undefined ? '—' : signed(p.float_adds_ns, time),
          p.convert_ns === undefined ? '—' : time(p.convert_ns)]))] : null);
}

const signed = (value, format) => (value < 0 ? '−' : '+') + format(Math.abs(value));

function range_use(e) {
  const width = ends => ends[1] - ends[0];
  return e.range && width(e.most_values) > 0 ? (width(e.range) / width(e.most_values)).toFixed(2) : '—';
}

function operators(form) {
  if (!form.operators.length) return null;
  const total = form.operators.reduce((sum, op) => sum + op.ns, 0);
  const slowest = form.operators.slice().sort((a, b) => b.ns - a.ns).slice(0, 12);
  return make('details', {}, make('summary', {}, form.form + ': slowest operators'),
    table(['operator', 'output~', 'time#', 'share#'], slowest.map(op =>
      [op.op, op.tensor, time(op.ns), (100 * op.ns / total).toFixed(1) + ' %'])));
}

function class_name(run, label) {
  const name = run.data.class_names[label];
  return label < 0 ? '—' : name === undefined ? String(label) : name;
}

function changed(run) {
  const { total, shown } = run.changed, forms = made(run).map(form => form.form);
  if (!total) return [make('p', {}, 'No sample: every form gives the answers of float32.')];
  const picture = sample => sample.picture ? make('img', { src: sample.picture, alt: '' }) : '';
  const pictures = shown.some(sample => sample.picture);
  const rows = shown.map(sample => (pictures ? [picture(sample)] : []).concat(
    [sample.sample, class_name(run, sample.label)], forms.map(form => {
    const answer = sample.answers[form], right = sample.label < 0 ? '' : answer === sample.label ? 'yes' : 'no';
    const moved = form !== 'float32' && answer !== sample.answers.float32;
    return make('span', { class: moved ? right : 'quiet' }, class_name(run, answer));
  })));
  return [make('p', { class: 'quiet small' }, total + ' of ' + run.data.samples + ' samples' +
    (total > shown.length ? ', the first ' + shown.length + ' shown' : '') +
    '; in colour where the answer is not that of float32: green became right, red is wrong.'),
  table((pictures ? [''] : []).concat(['sample', 'label'], forms), rows, null, 'tall')];
}

// The phone as it described itself: what it did not tell is left out here and named below.
function phone_entries(phone) {
  const known = list => list.filter(value => value !== null && value !== undefined).join(', ');
  const facts = phone.facts, ghz = khz => (khz / 1e6).toFixed(2) + ' GHz';
  const cores = facts.cores.map(core => 'core ' + core.cpu + ': ' + known([core.part,
    core.max_khz === null ? null : ghz(core.max_khz), core.limit_khz !== null && core.limit_khz < core.max_khz
      ? 'limited to ' + ghz(core.limit_khz) : null, core.governor]));
  const states = phone.states.map(state => Math.round(state.seconds) + ' s: ' + known([
    state.thermal_status === null ? null : 'thermal status ' + state.thermal_status,
    state.battery_celsius === null ? null : 'battery ' + state.battery_celsius.toFixed(1) + ' °C',
    state.battery_percent === null ? null : state.battery_percent + ' %',
    state.screen_on == null ? null : state.screen_on ? 'screen on' : 'screen off']));
  const few = states.length > 4 ? states.slice(0, 2).concat('…', states.slice(-2)) : states;
  return [['phone', known([phone.name, facts.android ? 'Android ' + facts.android : null,
    facts.sdk ? 'API ' + facts.sdk : null, facts.abi, facts.soc_manufacturer, facts.soc_model || facts.platform])],
  ['build', facts.fingerprint || '—'], ['cores', cores.join('; ')],
  ['measured on', phone.via === 'app' ? 'by the app' : 'cores ' + (phone.cores_given || phone.cores_chosen || '—') +
    ' (asked: ' + phone.cores_asked + ')' + (phone.benchmark ? ', ' + phone.benchmark.threads + ' thread' + (phone.benchmark.threads > 1 ? 's' : '') + ', ' +
      phone.benchmark.rounds + ' rounds' : '')],
  ['heat', few.join('; ') + (phone.throttled ? '; throttled' : '') + (phone.drifted ? '; drifted' : '')],
  ['not told', phone.unreadable || '—']].concat((phone.notes || []).map(note => ['note', note]));
}

function provenance(run) {
  const p = run.preprocess, m = run.machine, b = run.benchmark;
  const entries = [['model', run.model.name + ' (' + run.model.source + ')'],
    ['input', run.model.inputs.map(i => i.name + ' ' + i.type + ' ' + i.shape.join(' × ')).join(', ')],
    ['data', run.data.spec + ': ' + run.data.samples + ' samples' + (labelled(run) ? '' : ', no labels') +
      (run.data.random ? ', NOISE' : '')],
    ['calibration', !run.calibration.spec ? 'none: files compared as given' :
      run.calibration.samples + ' samples of ' + run.calibration.spec +
      (run.calibration.held_out ? ', kept out of the accuracy' : '')],
    ['preprocessing', p.reason + '; ' + p.resize + (p.antialias ? ', antialiased' : '') +
      (p.label_offset ? ', labels moved by ' + p.label_offset : '')],
    ['machine', m.cpu + ', ' + m.cores + ' cores, ' + m.system + ', governor ' + m.governor +
      (m.load === null ? '' : ', load ' + m.load.toFixed(2))],
    ['benchmark', b ? b.engine + ', ' + b.threads + ' thread' + (b.threads > 1 ? 's' : '') + ', ' + b.rounds +
      ' interleaved rounds' : 'none'],
    ...(run.device ? phone_entries(run.device) : []),
    ['kernels', run.options.kernels], ['made', run.created + ' by Octavo ' + run.octavo]];
  return [make('dl', {}, entries.flatMap(([key, value]) => [make('dt', {}, key), make('dd', {}, value)])),
    table(['form', 'file', 'bytes#', 'made in#', 'loads in#', 'arena#', 'SQNR#', 'SHA-256'], made(run).map(form =>
      [form.form, form.file || '—', String(form.bytes), form.convert_seconds.toFixed(2) + ' s',
        form.latency ? time(form.latency.load_ns) : '—', form.latency ? bytes(form.latency.arena_bytes) : '—',
        form.against_float.sqnr_db === null ? '—' : form.against_float.sqnr_db.toFixed(1) + ' dB',
        make('code', {}, form.sha256)]))];
}

function section(title, ...content) {
  return [make('h2', {}, title), content];
}

function render(run) {
  const main = document.getElementById('report');
  main.append(make('h1', {}, run.model.name), make('p', { class: 'quiet small' }, 'Octavo ' + run.octavo +
    ', ' + run.created.slice(0, 10) + ', ' + run.data.samples + ' samples'),
  ...[advice(run), section('Forms', forms_table(run)), engines_table(run),
    section('At a glance', charts_of(run)),
    section('Samples that changed their answer', changed(run)),
    section('Layers and operators', made(run).map(form => [worst(form), layers(form), operators(form)])),
    section('Provenance', provenance(run))].flat(9).filter(node => node));
}

// Several runs: a line for each form with the numbers of each run, before the single reports.
function side_by_side() {
  const names = [...new Set(runs.flatMap(run => made(run).map(form => form.form)))];
  const rows = names.map(name => [name].concat(runs.flatMap(run => {
    const form = made(run).find(candidate => candidate.form === name);
    if (!form) return ['', '', ''];
    return [bytes(form.bytes), percent(labelled(run) ? accuracy_of(run, form).top1.rate : against_of(run, form).agree.rate),
      latency_of(run, form) ? time(latency_of(run, form).median_ns.value) : '—'];
  })));
  const heads = runs.flatMap((_, i) => ['size', labelled(runs[i]) ? 'accuracy' : 'agreement', 'latency']
    .map(head => (i + 1) + ': ' + head + '#'));
  document.getElementById('report').append(make('h1', {}, runs.length + ' runs side by side'),
    make('ol', {}, runs.map(run => make('li', { class: 'small' }, run.model.name + ', ' + run.data.spec + ', ' +
      (run.device ? run.device.name : run.machine.cpu) + ', ' + run.created.slice(0, 10)))),
    table(['form'].concat(heads), rows));
}

if (runs.length > 1) side_by_side();
runs.forEach(render);
if (typeof Chart !== 'undefined') {
  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}

// On paper nothing can be unfolded.
addEventListener('beforeprint', () => {
  for (const part of document.querySelectorAll('details:not([open])')) {
    part.open = true;
    part.dataset.folded = '';
  }
});
addEventListener('afterprint', () => {
  for (const part of document.querySelectorAll('details[data-folded]')) {
    part.open = false;
    delete part.dataset.folded;
  }
});
