"""What is written beside the simulated feeds: the city's settings and a plain word that none of it is real. Pure."""

from tocsin.sim.days import holidays
from tocsin.sim.feeds import PATHOGENS, SILENT_DAYS, SYNDROMES
from tocsin.sim.names import CITY, ZONE
from tocsin.sim.outcomes import OUTCOMES, Outcome
from tocsin.sim.world import LEVELS, World


def city_toml(world: World) -> str:
    """The settings of the city, as `tocsin.config.parse` reads them."""
    off = ", ".join(d.isoformat() for d in holidays(world.first, world.last))
    levels = ", ".join(f'"{x}"' for x in LEVELS)
    syndromes = ", ".join(f'"{zh}" = "{name}"' for name, zh in SYNDROMES.items())
    pathogens = ", ".join(f'"{zh}" = "{name}"' for name, zh in PATHOGENS.items())
    head = f"""# A SIMULATED city, made by `tocsin sim` from seed {world.seed}: nobody lives here and nobody fell ill.

holidays = [{off}]

[city]
name = "nijiang"
title = {{ zh = "{CITY.zh}", en = "{CITY.en}" }}
zone = "{ZONE}"
levels = [{levels}]
seed = {world.seed}
simulated = true
"""
    outcomes = ", ".join(f'"{o.word}" = "{o.signal}"' for o in OUTCOMES)
    text = _SETTINGS.replace("@SYNDROMES@", syndromes).replace("@PATHOGENS@", pathogens).replace("@OUTCOMES@", outcomes)
    for signal in ("ed.ili", "lab.dengue"):
        text = text.replace(f"@{signal}@", "".join(map(_outcome, (o for o in OUTCOMES if o.of == signal))))
    return head + text.replace("@COUNTED@", "".join(map(_counted, OUTCOMES)))


def _outcome(o: Outcome) -> str:
    return f'\n[[signals.outcomes]]\nsignal = "{o.signal}"\nmean = {o.mean}\nsd = {o.sd}\n'


def _counted(o: Outcome) -> str:
    title = f'{{ zh = "{o.title.zh}", en = "{o.title.en}" }}'
    return f'\n[[signals]]\nname = "{o.signal}"\ntitle = {title}\nlevels = ["city"]  # counted, not judged\n'


_SETTINGS = """
[areas]
file = "areas.csv"
geojson = "areas.geojson"

[travel]
commuting = "commuting.csv"
arrivals = "arrivals.csv"

[[signals]]
name = "ed.ili"
title = { zh = "急诊流感样病例", en = "ED influenza-like illness" }
judge = "nowcast"             # one visit in six is told days late
interval = { mean = 2.9, sd = 1.1 }   # days, as this city's made-up virus has it
detectors = [{ method = "ears_c2", baseline = 28 }, { method = "moving_percentile", percentile = 0.9 }]
@ed.ili@
[[signals]]
name = "ed.gi"
title = { zh = "急诊腹泻呕吐", en = "ED gastroenteritis" }
judge = "nowcast"
detectors = [{ method = "ears_c2", baseline = 28 }, "ears_c3"]
severity = 2.0                # a common source can be stopped today

[[signals]]
name = "ed.fever_rash"
title = { zh = "急诊发热出疹", en = "ED fever with rash" }
detectors = [{ method = "ears_c2", baseline = 28 }, "ears_c3"]
severity = 1.5

[[signals]]
name = "lab.dengue"
title = { zh = "登革热实验室确诊", en = "Dengue, laboratory-confirmed" }
interval = { mean = 14, sd = 3 }      # by mosquito
levels = ["district", "street"]
detectors = [{ method = "fixed_value", value = 2 }]  # a lone traveller comes home ill every week; not two in a place
severity = 3.0
incidence = "dengue-abroad.csv"       # where travellers come from
@lab.dengue@
[[signals]]
name = "lab.noro"
title = { zh = "诺如病毒检出", en = "Norovirus detections" }
judge = "nowcast"             # specimens take days
detectors = [{ method = "ears_c2", baseline = 28 }, "ears_c3"]
severity = 1.5

[[signals]]
name = "hotline.12345"
title = { zh = "12345热线健康类来电", en = "12345 hotline, health calls" }
domain = "municipal"
levels = ["city", "district"]
detectors = [{ method = "ears_c2", baseline = 28 }]
severity = 0.5

[[signals]]
name = "school.absence"
title = { zh = "学校因病缺课", en = "School absence, pupils" }
domain = "facility"
absent = "missing"            # weekends and vacations are no zeros
detectors = [{ method = "ears_c2", baseline = 28 }]

[[signals]]
name = "ww.sars2"
title = { zh = "污水新冠病毒浓度", en = "SARS-CoV-2 in wastewater" }
kind = "measure"
step = "1w"
domain = "environment"
unit = "copies/L"
absent = "missing"
levels = ["city", "district"]
lookback = 3
detectors = ["ears_c2"]

[[signals]]
name = "air.pm25"
title = { zh = "细颗粒物PM2.5", en = "PM2.5" }
kind = "measure"
domain = "environment"
unit = "µg/m³"
absent = "missing"
levels = ["city", "district"]
detectors = [{ method = "fixed_value", value = 150 }]   # a day of "heavy" pollution
severity = 0.5

@COUNTED@
[[scans]]                     # where cases gather in space and time, looked for every day
name = "streets"
signals = ["ed.ili", "ed.gi", "ed.fever_rash", "lab.noro"]
level = "street"
study_days = 365
min_days = 2
max_days = 14
min_cases = 5
recurrence_days = 365         # a cluster that chance shows once in a year or less often is told

[[sources]]
name = "ed"
title = { zh = "急诊症状监测平台（模拟）", en = "Emergency departments (simulated)" }
format = "csv"
files = "inbox/ed-*.csv.gz"
every = "1d"
owner = "ED desk (simulated)"

[sources.mapping]
key = "visit_id"
reference = "visit_date"
report = "sent_at"
area = "street_code"
signal = { column = "syndrome", map = { @SYNDROMES@ } }

[[sources]]
name = "lab"
title = { zh = "疾控实验室（模拟）", en = "Public-health laboratory (simulated)" }
format = "csv"
encoding = "gb18030"
files = "inbox/lab-*.csv"
every = "1d"
owner = "Laboratory desk (simulated)"

[sources.mapping]
key = "样本编号"
reference = { column = "采样日期", format = "%Y/%m/%d" }
report = "报告时间"
area = "现住街道代码"
signal = { column = "病原体", map = { @PATHOGENS@ } }
imported = { column = "是否输入", map = { "是" = "yes", "否" = "no", "不详" = "unknown" } }

[[sources]]
name = "wards"
title = { zh = "住院与死亡登记（模拟）", en = "Admissions and deaths (simulated)" }
format = "csv"
files = "inbox/wards*.csv"
every = "1d"
owner = "Wards desk (simulated)"

[sources.mapping]
key = "record_id"
reference = "date"
report = "sent_at"
area = "street_code"
signal = { column = "outcome", map = { @OUTCOMES@ } }

[[sources]]
name = "hotline"
title = { zh = "12345热线（模拟）", en = "12345 hotline (simulated)" }
format = "jsonl"
files = "inbox/hotline-*.jsonl"
every = "1d"
owner = "Hotline desk (simulated)"

[sources.mapping]
key = "id"
reference = "date"
report = "closed_at"
area = "street"
signal = "hotline.12345"
value = "calls"

[[sources]]
name = "school"
title = { zh = "学校晨检（模拟）", en = "School absence (simulated)" }
format = "csv"
files = "inbox/school-*.csv"
every = "1w"
owner = "Education desk (simulated)"

[sources.mapping]
key = ["street_code", "date"]  # the same key again, later: a correction
reference = "date"
report = "reported_at"
area = "street_code"
signal = "school.absence"
value = "absent"

[[sources]]
name = "wastewater"
title = { zh = "污水处理厂（模拟）", en = "Wastewater plants (simulated)" }
format = "csv"
files = "inbox/wastewater*.csv"
every = "1w"
owner = "Wastewater desk (simulated)"

[sources.mapping]
key = ["plant", "sampled_on"]
reference = "sampled_on"
report = "reported_at"
area = "district_code"
signal = "ww.sars2"
value = "copies_per_litre"

[[sources]]
name = "air"
title = { zh = "空气质量站（模拟）", en = "Air-quality stations (simulated)" }
format = "csv"
files = "inbox/air-*.csv"
every = "1d"
owner = "Air desk (simulated)"

[sources.mapping]
key = ["station", "date"]
reference = "date"
report = "sent_at"
area = "district_code"
signal = "air.pm25"
value = "pm25"
"""


def readme(world: World) -> str:
    """What a stranger who finds the directory must know."""
    years = round((world.last - world.first).days / 365.25)
    return f"""# {CITY.en} · {CITY.zh}

**This city is simulated. Nobody lives here, nobody fell ill, and no line of it comes from a real person or place.**
**本城市为模拟数据：地名、人口、病例均系虚构，与任何真实城市、机构、个人无关。**

Made by `tocsin sim DIR --seed {world.seed} --years {years} --end {world.last}`: the same command gives the same bytes.
Days run from {world.first} to {world.last}; what would have been sent after that is not here yet.

| file | holds |
|---|---|
| `city.toml` | the city's settings; the rest of Tocsin treats it like any real city |
| `areas.csv`, `areas.geojson` | 1 city, 8 districts, 51 streets; codes begin with 99, in the open Pacific |
| `commuting.csv` | people who go from one street to another on a working day |
| `arrivals.csv`, `dengue-abroad.csv` | travellers from made-up countries, new dengue infections there |
| `inbox/` | what seven sources sent: line lists, counts and readings, with late, doubled, corrected and broken lines |
| `truth.csv` | the {len(world.outbreaks)} outbreaks that were planted; `tocsin score` compares alerts with it |

The hotline has been silent for the last {SILENT_DAYS} days. In `truth.csv`, `start` is the first exposure or infection,
`end` the last case so far, `size` the cases in the first of its signals, and `first_report` the day on which the first
of its cases was sent.
"""
