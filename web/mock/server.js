// A stand-in for the server, for working on the page: `npm run mock`, then `npm run dev`. Development only.
// MOCK=quiet | silent | fault | nomap | empty changes what it says.
import { createServer } from 'node:http';
import { readFileSync, existsSync } from 'node:fs';
import { areas, dayOf, DAYS, features, signals, TODAY } from './city.js';
import { judge, series } from './judge.js';

const port = Number(process.env.PORT ?? 8000);
const mood = process.env.MOCK ?? '';
const STATIC = new URL('../../src/tocsin/server/static/', import.meta.url);
const alerts = mood === 'quiet' || mood === 'empty' ? [] : judge();
const NEXT = { new: ['acknowledge', 'verify', 'exclude'], acknowledged: ['verify', 'exclude'], verifying: ['confirm', 'exclude'], confirmed: ['respond', 'close'], responding: ['close'], excluded: ['reopen'], closed: ['reopen'] };
const BECOMES = { acknowledge: 'acknowledged', verify: 'verifying', confirm: 'confirmed', exclude: 'excluded', respond: 'responding', close: 'closed', reopen: 'new' };
const streams = new Set();
let event = 0;

const told = (alert) => Object.fromEntries(Object.entries(alert).filter(([key]) => key !== 'evidence' && key !== 'notes'));
const whole = (alert) => ({ ...alert, actions: [...NEXT[alert.state], 'comment'] });
const say = (kind, data) => {
  event += 1;
  for (const stream of streams) stream.write(`id: ${event}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
};
setInterval(() => streams.forEach((stream) => stream.write(': beat\n\n')), 15_000);

if (alerts[2]) {
  alerts[2].state = 'verifying';
  alerts[2].notes = [{ seq: 3, at: '2026-11-21T00:31:00Z', who: '值班甲', action: 'acknowledge', text: '' }, { seq: 5, at: '2026-11-21T01:12:00Z', who: '值班甲', action: 'verify', text: '已电话联系区疾控，核实学校食堂聚餐情况。' }];
  alerts[4] && (alerts[4].state = 'acknowledged');
}

const recent = (base, gap) => Array.from({ length: 30 }, (_, i) => ({ date: dayOf(DAYS - 30 + i), events: gap && i >= 30 - gap ? 0 : Math.round(base * (0.7 + ((i * 7919) % 60) / 100) * ([5, 6].includes(i % 7) ? 0.6 : 1)) }));
const source = (name, zh, en, owner, every, state, lag, base, extra = {}) => ({ name, title: { zh, en }, owner, every, last_seen: state === 'never' ? null : new Date(Date.parse('2026-11-22T00:05:00Z') - lag * 60_000).toISOString(), lag_minutes: state === 'never' ? null : lag, state, events: base * 700, findings_open: 0, duplicates: Math.round(base * 0.4), median_delay_days: 1.2, recent: state === 'never' ? recent(0, 30) : recent(base, state === 'silent' ? 5 : 0), ...extra });
const sources = mood === 'empty' ? [] : [
  source('hospital', '医院急诊', 'Hospital emergency rooms', '市卫健委', '1h', 'ok', 14, 940, { findings_open: 3 }),
  source('laboratory', '检验结果', 'Laboratory results', '市疾控检验所', '1d', 'ok', 310, 120),
  source('hotline', '12345 热线', '12345 hotline', '市政务服务中心', '1h', 'late', 205, 44, { median_delay_days: 0.1 }),
  source('school', '学校缺课', 'School absence', '市教育局', '1d', 'silent', 7240, 510, { findings_open: 9 }),
  source('wastewater', '污水监测', 'Wastewater', '市水务集团', '1d', 'ok', 800, 6, { median_delay_days: 3.5 }),
  source('air', '空气质量', 'Air quality', '市生态环境局', '1h', 'ok', 32, 24, { median_delay_days: 0 }),
  source('pharmacy', '药店销售', 'Pharmacy sales', '药监局', '1d', 'never', 0, 0, { events: 0, median_delay_days: null }),
];
const FOUND = [['school', 'absence-2026-11-17.csv', 12, '日期', '2026/13/01', 'bad-date', 'is not a date in %Y-%m-%d; write 2026-11-01', false], ['school', 'absence-2026-11-17.csv', 48, '学校所在街道', '青石街', 'unknown-area', 'no area has this name; kept under 东湖区', true], ['hospital', 'ed-20261121.csv.gz', 1907, '就诊时间', '', 'missing', 'is empty; every record needs a reference time', false], ['hospital', 'ed-20261121.csv.gz', 2210, '年龄', '-4', 'bad-value', 'is below zero; expected 0 to 130', false], ['school', 'absence-2026-11-18.csv', 0, '', '', 'bad-encoding', 'is neither UTF-8 nor GB18030; save it as UTF-8', false]];
const findings = FOUND.flatMap((row, i) => (i < 4 ? [row, row] : [row])).map(([name, file, line, field, value, code, message, kept], i) => ({ id: i + 1, source: name, file, line: line && line + i, field, value, code, message, kept, at: '2026-11-21T22:14:00Z' }));

function city() {
  return { name: 'linhai', title: { zh: '临海市', en: 'Linhai' }, zone: 'Asia/Shanghai', simulated: true, levels: ['city', 'district', 'town'], level_titles: { city: { zh: '全市', en: 'City' }, district: { zh: '区', en: 'District' }, town: { zh: '街道', en: 'Town' } }, budget: 10, now: '2026-11-22T00:10:00Z', as_of: mood === 'empty' ? null : '2026-11-22T00:05:00Z', first: dayOf(0), last: TODAY, version: '0.1.0', languages: ['zh', 'en'], has_map: mood !== 'nomap', can_write: true };
}

function map(query) {
  const signal = signals.find((one) => one.name === query.get('signal'));
  const level = query.get('level');
  const asOf = query.get('as_of');
  const day = (asOf ?? TODAY).slice(0, 10);
  const rows = areas.filter((area) => area.level === level).map((area, n) => {
    const found = series(signal, area.code, day, null);
    const run = found.detectors.at(-1);
    const i = found.times.length - 1;
    if (n % 19 === 7) return { code: area.code, value: null, expected: null, upper: null, score: null, p: null, rate_per_100k: null, window_sum: null };
    const sum = found.values.slice(-7).reduce((total, value) => total + (value ?? 0), 0);
    return { code: area.code, value: found.values[i], expected: run.expected[i], upper: run.upper[i], score: run.score[i], p: run.p[i], rate_per_100k: signal.kind === 'count' ? (sum / area.population) * 1e5 : null, window_sum: sum };
  });
  return { signal: signal.name, level, as_of: day, time: day, areas: rows, alerts: alerts.filter((alert) => alert.signal === signal.name && alert.level === level).map(({ id, area, phase, state }) => ({ id, area, phase, state })) };
}

function find(query) {
  const signal = signals.find((one) => one.name === query.get('signal'));
  const area = areas.find((one) => one.code === query.get('area'));
  if (!signal || !area) return null;
  return { ...series(signal, area.code, query.get('as_of'), query.get('from')), alerts: alerts.filter((alert) => alert.signal === signal.name && alert.area === area.code).map((alert) => alert.id) };
}

const ROUTES = {
  city,
  signals: () => signals.map(({ base, ...rest }) => rest),
  areas: (query) => areas.filter((area) => !query.get('level') || area.level === query.get('level')),
  'areas.geojson': () => (mood === 'nomap' ? null : { type: 'FeatureCollection', features }),
  series: find,
  map,
  alerts: (query) => ({ as_of: city().as_of, budget: 10, total: alerts.length, alerts: alerts.slice(0, Number(query.get('limit') ?? 50)).map(told) }),
  sources: () => sources,
  findings: (query) => { const rows = findings.filter((row) => !query.get('source') || row.source === query.get('source')); return { total: rows.length, findings: rows }; },
  health: () => ({ status: mood === 'fault' ? 'degraded' : 'ok', version: '0.1.0', store: 'sqlite', events: 1_204_377, as_of: city().as_of, last_tick: city().as_of, behind_seconds: 3, faults: mood === 'fault' ? [{ at: '2026-11-22T00:05:02Z', part: 'detect.farrington', message: 'LinAlgError: singular matrix in district 330903' }] : [] }),
};

function send(answer, status, body) {
  answer.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  answer.end(JSON.stringify(body));
}

function note(ask, answer, alert) {
  if (ask.headers.authorization !== 'Bearer demo') return send(answer, 401, { error: { code: 'no-token', message: 'a token is needed' } });
  let text = '';
  ask.on('data', (part) => (text += part));
  ask.on('end', () => {
    const { action, who, text: said } = JSON.parse(text);
    if (action !== 'comment' && !NEXT[alert.state].includes(action)) return send(answer, 409, { error: { code: 'not-allowed', message: 'not now', allowed: NEXT[alert.state] } });
    alert.state = BECOMES[action] ?? alert.state;
    alert.updated = new Date().toISOString();
    alert.notes.push({ seq: ++event, at: alert.updated, who, action, text: said });
    send(answer, 201, whole(alert));
    say('alert', told(alert));
  });
}

const KINDS = { html: 'text/html; charset=utf-8', js: 'text/javascript', mjs: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', md: 'text/plain' };

createServer((ask, answer) => {
  const url = new URL(ask.url, 'http://mock');
  if (!url.pathname.startsWith('/api/v1/')) {
    const file = new URL(`.${url.pathname}`, STATIC);
    const found = url.pathname !== '/' && existsSync(file) ? file : new URL('index.html', STATIC);
    answer.writeHead(200, { 'Content-Type': KINDS[found.pathname.split('.').at(-1)] ?? 'text/plain' });
    return answer.end(readFileSync(found));
  }
  const parts = url.pathname.slice(8).split('/');
  if (parts[0] === 'live') {
    answer.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    answer.write(': hello\n\n');
    streams.add(answer);
    return ask.on('close', () => streams.delete(answer));
  }
  if (parts[0] === 'alerts' && parts[1]) {
    const alert = alerts.find((one) => one.id === parts[1]);
    if (!alert) return send(answer, 404, { error: { code: 'unknown-alert', message: 'no such alert' } });
    return parts[2] === 'notes' ? note(ask, answer, alert) : send(answer, 200, whole(alert));
  }
  const body = ROUTES[parts[0]]?.(url.searchParams) ?? null;
  if (body === null) return send(answer, 404, { error: { code: 'not-found', message: `nothing at ${url.pathname}` } });
  return send(answer, 200, body);
}).listen(port, '127.0.0.1', () => console.log(`mock on http://127.0.0.1:${port} (token: demo), ${alerts.length} alerts`));
