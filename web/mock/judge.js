// The mock's judgement: moving baselines that look enough like the real thing to draw. Development only.
import { areas, dayOf, DAYS, signals, TODAY, values } from './city.js';

export const DETECTORS = {
  'ears-c1': { title: { zh: 'EARS C1', en: 'EARS C1' }, cite: 'Hutwagner et al. 2003', lag: 1, width: 7, k: 3 },
  'ears-c2': { title: { zh: 'EARS C2', en: 'EARS C2' }, cite: 'Hutwagner et al. 2003', lag: 3, width: 7, k: 3 },
  'ears-c3': { title: { zh: 'EARS C3', en: 'EARS C3' }, cite: 'Hutwagner et al. 2003', lag: 3, width: 9, k: 2.4 },
  'cidars-moving': { title: { zh: 'CIDARS 移动百分位', en: 'CIDARS moving percentile' }, cite: 'Yang et al. 2011', lag: 2, width: 28, k: 2.6 },
  farrington: { title: { zh: 'Farrington 改进法', en: 'Farrington flexible' }, cite: 'Noufaily et al. 2013', lag: 4, width: 35, k: 2.8 },
};

function known(signal, code, i) {
  const row = values(signal, code).slice(0, i + 1);
  const late = [0.55, 0.8, 0.93]; // share already reported 0, 1, 2 days later
  return row.map((value, j) => (value !== null && signal.kind === 'count' && i - j < 3 ? Math.round(value * late[i - j]) : value));
}

export function series(signal, code, asOf, from) {
  const i = asOf ? Math.max(0, Math.min(DAYS - 1, DAYS - 1 - Math.round((Date.parse(TODAY) - Date.parse(asOf.slice(0, 10))) / 86_400_000))) : DAYS - 1;
  const area = areas.find((one) => one.code === code);
  const row = asOf && asOf.slice(0, 10) < TODAY ? known(signal, code, i) : values(signal, code);
  const start = from ? Math.max(0, DAYS - 1 - Math.round((Date.parse(TODAY) - Date.parse(from)) / 86_400_000)) : 0;
  const times = row.map((_, j) => dayOf(j));
  const alarms = [];
  const detectors = signal.detectors.map((name) => {
    const { title, cite, lag, width, k } = DETECTORS[name];
    const found = { name, title, cite, rule: name === 'cidars-moving', window: 1, observed: row, expected: [], upper: [], score: [], p: [] };
    row.forEach((value, j) => {
      const past = row.slice(Math.max(0, j - lag - width), Math.max(0, j - lag + 1)).filter((one) => one !== null);
      if (past.length < width * 0.7) return ['expected', 'upper', 'score', 'p'].forEach((key) => found[key].push(null));
      const mean = past.reduce((sum, one) => sum + one, 0) / past.length;
      const sd = Math.sqrt(past.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (past.length - 1) + mean * 0.3 + 0.2);
      const upper = mean + k * sd;
      const score = value === null ? null : (value - mean) / (upper - mean);
      const p = score === null ? null : Math.min(1, Math.exp(-0.5 * Math.max(score * k, 0) ** 2) / (1 + Math.max(score, 0)));
      for (const [key, one] of Object.entries({ expected: mean, upper, score, p })) found[key].push(one === null ? null : Number(one.toPrecision(5)));
      if (score !== null && score > 1) alarms.push({ time: times[j], detector: name, observed: value, expected: mean, upper, p });
    });
    return found;
  });
  const cut = (list) => list.slice(start);
  for (const run of detectors) for (const key of ['observed', 'expected', 'upper', 'score', 'p']) run[key] = cut(run[key]);
  return { signal: signal.name, area: code, as_of: asOf ?? `${TODAY}T00:05:00Z`, step: signal.step, times: cut(times), values: cut(row), population: area.population, detectors, alarms: alarms.filter((alarm) => alarm.time >= times[start]), alerts: [], first: dayOf(0), last: TODAY };
}

const SEVERITIES = ['blue', 'yellow', 'orange', 'red'];

export function alertOf(signal, area) {
  const whole = series(signal, area.code, null, dayOf(DAYS - 42));
  const recent = whole.alarms.filter((alarm) => alarm.time >= dayOf(DAYS - 8));
  if (!recent.length) return null;
  const agree = [...new Set(recent.map((alarm) => alarm.detector))];
  const opened = whole.alarms.find((alarm) => alarm.time >= dayOf(DAYS - 20)).time;
  const lead = whole.detectors.find((run) => run.name === agree[0]);
  const end = whole.times.length - 1;
  const peak = recent.reduce((one, other) => (other.observed - other.expected > one.observed - one.expected ? other : one));
  const ratio = peak.expected > 0 ? peak.observed / peak.expected : null;
  const p = recent.reduce((least, alarm) => Math.min(least, alarm.p), 1) ** Math.min(agree.length, 2);
  const path = [];
  for (let at = area; at && at.parent; at = areas.find((one) => one.code === at.parent)) path.unshift(at.title);
  const grade = Math.min(3, Math.max(0, Math.floor(-Math.log10(p) / 6.5) - (agree.length < 4 ? 1 : 0)));
  const round = (x) => Math.round(x * 10) / 10;
  const days = Math.round((Date.parse(peak.time) - Date.parse(opened)) / 86_400_000) + 1;
  return {
    id: [...`${signal.name}${area.code}`].reduce((sum, letter) => (sum * 33 + letter.charCodeAt(0)) >>> 0, 5381).toString(16).padStart(12, 'c0ffee'),
    signal: signal.name, signal_title: signal.title, area: area.code, area_title: area.title, path, level: area.level, opened, last: peak.time,
    phase: whole.values[end] > (lead.upper[end] ?? 1e9) ? 'growing' : days < 3 ? 'open' : 'quiet', explained_by: [], began: `${opened}T16:05:00Z`, state: 'new', severity: SEVERITIES[grade], p,
    observed: peak.observed, expected: round(peak.expected), ratio: ratio && round(ratio), imported_share: signal.name === 'lab.dengue' ? 0.21 : null, detectors: agree,
    reason: {
      zh: `${area.title.zh}${signal.title.zh}在 ${peak.time} 为 ${peak.observed}，预期 ${round(peak.expected)}，超出阈值 ${round(peak.upper)}；自 ${opened} 起已 ${days} 天，${agree.length} 种方法一致。`,
      en: `${signal.title.en} in ${area.title.en}: ${peak.observed} on ${peak.time} where ${round(peak.expected)} were expected (threshold ${round(peak.upper)}); day ${days} since ${opened}, ${agree.length} methods agree.`,
    },
    spark: { times: whole.times, values: whole.values, expected: lead.expected, upper: lead.upper }, updated: '2026-11-22T00:05:11Z',
    evidence: whole.alarms.filter((alarm) => alarm.time >= opened).map((alarm) => ({ at: `${alarm.time}T16:05:00Z`, ...alarm, score: (alarm.observed - alarm.expected) / (alarm.upper - alarm.expected) })),
    notes: [],
  };
}

export function judge() {
  const found = [];
  for (const signal of signals) for (const area of areas) if (signal.levels.includes(area.level) && area.level !== 'city') found.push(alertOf(signal, area));
  const ranked = found.filter((alert) => alert && alert.p < 0.003).sort((one, other) => one.p - other.p).slice(0, 34);
  ranked.forEach((alert, i) => (alert.rank = i + 1));
  return ranked;
}
