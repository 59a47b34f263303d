// A made-up city for working on the page: areas with polygons, signals, series. Development only.

export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const random = dice(11);
const DISTRICTS = [['东湖区', 'Donghu'], ['西岸区', "Xi'an"], ['南山区', 'Nanshan'], ['北港区', 'Beigang'], ['临江区', 'Linjiang'], ['高新区', 'Gaoxin']];
const TOWNS_ZH = '青石 长桥 柳林 白马 云台 古渡 梅园 石门 金沙 双塔 竹溪 望江 凤鸣 永安 和平 新桥 东港 莲花 太平 龙泉 清河 松岗 桃源 明珠 安定 平湖 福田 三元 银杏 红旗 花园 大王 河口 南浦 北山 西泠 江心 天目 玉泉 紫金 百草 临溪 翠屏 沙坪 半山 观澜 香樟 碧云 石榴 春晖 落霞 望海 龙潭 仙居'.split(' ');
const TOWNS_EN = 'Qingshi Changqiao Liulin Baima Yuntai Gudu Meiyuan Shimen Jinsha Shuangta Zhuxi Wangjiang Fengming Yongan Heping Xinqiao Donggang Lianhua Taiping Longquan Qinghe Songgang Taoyuan Mingzhu Anding Pinghu Futian Sanyuan Yinxing Hongqi Huayuan Dawang Hekou Nanpu Beishan Xiling Jiangxin Tianmu Yuquan Zijin Baicao Linxi Cuiping Shaping Banshan Guanlan Xiangzhang Biyun Shiliu Chunhui Luoxia Wanghai Longtan Xianju'.split(' ');

const COLUMNS = 9;
const ROWS = 6;
const WEST = 120.9;
const SOUTH = 30.9;
const corner = [];
for (let r = 0; r <= ROWS; r += 1) {
  for (let c = 0; c <= COLUMNS; c += 1) {
    const squeeze = 1 - 0.16 * Math.abs(r / ROWS - 0.45) * 2;
    const x = (c / COLUMNS - 0.5) * squeeze + 0.5;
    corner.push([WEST + x * 0.66 + (random() - 0.5) * 0.042, SOUTH + (r / ROWS) * 0.42 + Math.sin(c * 0.8) * 0.022 + (random() - 0.5) * 0.038]);
  }
}
const at = (r, c) => corner[r * (COLUMNS + 1) + c];

/** A side with a few bends in it, the same from both ends. */
function side(from, to) {
  const flip = from[0] + from[1] * 7 > to[0] + to[1] * 7;
  const [a, b] = flip ? [to, from] : [from, to];
  const bend = dice(Math.round((a[0] * 7919 + a[1] * 104729 + b[0] * 31 + b[1] * 17) * 1e4));
  const points = [0.25, 0.5, 0.75].map((share) => [a[0] + (b[0] - a[0]) * share + (bend() - 0.5) * 0.009, a[1] + (b[1] - a[1]) * share + (bend() - 0.5) * 0.009]);
  return [from, ...(flip ? points.reverse() : points)];
}

export const areas = [{ code: '330900', parent: '', level: 'city', title: { zh: '临海市', en: 'Linhai' }, longitude: WEST + 0.33, latitude: SOUTH + 0.21, population: 0 }];
export const features = [];
DISTRICTS.forEach(([zh, en], i) => areas.push({ code: `33090${i + 1}`, parent: '330900', level: 'district', title: { zh, en }, longitude: 0, latitude: 0, population: 0 }));
for (let r = 0; r < ROWS; r += 1) {
  for (let c = 0; c < COLUMNS; c += 1) {
    const n = r * COLUMNS + c;
    const district = Math.floor(c / 3) + 3 * Math.floor(r / 3);
    const code = `33090${district + 1}${String(100 + n)}`;
    const ring = [...side(at(r, c), at(r, c + 1)), ...side(at(r, c + 1), at(r + 1, c + 1)), ...side(at(r + 1, c + 1), at(r + 1, c)), ...side(at(r + 1, c), at(r, c))];
    ring.push(ring[0]);
    const centre = [0, 1].map((k) => ring.reduce((sum, point) => sum + point[k], 0) / ring.length);
    const near = 1 - Math.hypot(c / COLUMNS - 0.5, r / ROWS - 0.5);
    const population = Math.round(9000 + 90000 * near ** 3 * (0.5 + random()));
    areas.push({ code, parent: `33090${district + 1}`, level: 'town', title: { zh: `${TOWNS_ZH[n]}街道`, en: TOWNS_EN[n] }, longitude: centre[0], latitude: centre[1], population });
    features.push({ type: 'Feature', properties: { code, name: TOWNS_ZH[n] }, geometry: { type: 'Polygon', coordinates: [ring] } });
    for (const above of [areas[0], areas[district + 1]]) above.population += population;
    areas[district + 1].longitude += centre[0] / 9;
    areas[district + 1].latitude += centre[1] / 9;
  }
}

const LEVELS = ['city', 'district', 'town'];
const signal = (name, zh, en, extra = {}) => ({ name, title: { zh, en }, kind: 'count', step: '1d', domain: 'health', unit: '', levels: LEVELS, detectors: ['ears-c1', 'ears-c2', 'ears-c3', 'cidars-moving', 'farrington'], severity: 1, base: 9, ...extra });
export const signals = [
  signal('ed.ili', '急诊流感样病例', 'Emergency visits, influenza-like illness', { base: 14 }),
  signal('ed.gastro', '急诊腹泻病例', 'Emergency visits, diarrhoea', { base: 8 }),
  signal('ed.rash', '急诊发热伴皮疹', 'Emergency visits, fever with rash', { base: 1.6 }),
  signal('lab.dengue', '登革热阳性', 'Dengue positives', { base: 0.5 }),
  signal('lab.noro', '诺如病毒阳性', 'Norovirus positives', { base: 1.2 }),
  signal('lab.influenza', '流感病毒阳性', 'Influenza positives', { base: 4 }),
  signal('hotline.vomit', '12345 呕吐投诉', '12345 hotline, vomiting complaints', { domain: 'municipal', base: 1.4 }),
  signal('school.absence', '学校缺课', 'School absence', { domain: 'facility', base: 21 }),
  signal('ww.sars2', '污水新冠病毒浓度', 'SARS-CoV-2 in wastewater', { kind: 'measure', unit: 'copies/mL', levels: ['city', 'district'], base: 120, domain: 'environment', detectors: ['ears-c1', 'farrington'] }),
  signal('air.pm25', 'PM2.5', 'PM2.5', { kind: 'measure', unit: 'µg/m³', levels: ['city', 'district'], base: 34, domain: 'environment', detectors: ['ears-c1', 'farrington'] }),
];

export const TODAY = '2026-11-22';
export const DAYS = 780;
export const dayOf = (i) => new Date(Date.parse(`${TODAY}T00:00Z`) - (DAYS - 1 - i) * 86_400_000).toISOString().slice(0, 10);

// planted: signal, town number, days before today it starts, length, how much over the usual
const PLANTED = [['ed.gastro', 22, 9, 12, 3.2], ['ed.gastro', 23, 6, 9, 1.8], ['lab.dengue', 14, 16, 30, 9], ['lab.dengue', 15, 8, 30, 5], ['ed.ili', 40, 12, 20, 1.1], ['hotline.vomit', 22, 8, 6, 4], ['school.absence', 31, 4, 5, 0.9], ['ed.rash', 5, 7, 9, 3], ['lab.noro', 22, 7, 9, 5], ['ed.ili', 9, 150, 14, 1.5], ['ed.gastro', 40, 320, 14, 2.6], ['lab.influenza', 33, 9, 20, 1.4]];

function poisson(mean, roll) {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * (roll() + roll() + roll() + roll() - 2) * 1.73));
  const limit = Math.exp(-mean);
  let product = roll();
  let count = 0;
  while (product > limit) {
    product *= roll();
    count += 1;
  }
  return count;
}

const raw = new Map();
const inside = (code) => areas.filter((area) => area.level === 'town' && (area.code === code || area.parent === code || code === '330900'));

export function values(signal, code) {
  const key = `${signal.name} ${code}`;
  if (raw.has(key)) return raw.get(key);
  const area = areas.find((one) => one.code === code);
  let row;
  if (signal.kind === 'count' && area.level !== 'town') {
    row = Array(DAYS).fill(0);
    for (const town of inside(code)) values(signal, town.code).forEach((value, i) => (row[i] += value));
  } else {
    const roll = dice([...key].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7));
    const size = signal.kind === 'measure' ? 1 : area.population / 45000;
    row = Array.from({ length: DAYS }, (_, i) => {
      const date = new Date(`${dayOf(i)}T00:00Z`);
      const season = 1 + 0.35 * Math.cos(((date.getUTCMonth() * 30 + date.getUTCDate() - 20) / 365) * 2 * Math.PI);
      const weekend = [0, 6].includes(date.getUTCDay()) ? (signal.name.startsWith('school') ? 0.05 : 0.72) : 1.08;
      let mean = signal.base * size * season * (signal.kind === 'measure' ? 1 : weekend);
      for (const [name, town, before, length, more] of PLANTED) {
        const since = i - (DAYS - 1 - before);
        if (name === signal.name && code === areas[7 + town].code && since >= 0 && since < length) mean += signal.base * Math.max(size, 0.8) * more * Math.min(1, (since + 1) / (before > 20 ? 4 : before));
      }
      return signal.kind === 'measure' ? (roll() < 0.06 ? null : Math.round(mean * Math.exp((roll() + roll() + roll() - 1.5) * 0.4) * 10) / 10) : poisson(mean, roll);
    });
  }
  raw.set(key, row);
  return row;
}
