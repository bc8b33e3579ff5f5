import { expect } from "chai";
import { Container, environment, newFolder, newVolume } from "./docker";
import "./hooks";
import { imageOf, needMajors } from "./majors";
import { boot, change, copyOf, givenPrepared, request, restored, VOLUME } from "./restore";
import { bootMajor, keptPrograms, upgrade, upgraded } from "./upgrade";

const NAMES = [
  "DateStyle",
  "TimeZone",
  "default_text_search_config",
  "lc_messages",
  "lc_monetary",
  "lc_numeric",
  "lc_time",
];
const QUERY = `SELECT string_agg(name || '=' || setting, ' ' ORDER BY name COLLATE "C") FROM pg_settings WHERE name IN (${NAMES.map((name) => `'${name}'`)})`;
const said = (server: Container) => server.sql(QUERY);

const values = (style: string, zone: string, search: string, locale: string) =>
  `DateStyle=${style} TimeZone=${zone} default_text_search_config=pg_catalog.${search} lc_messages=${locale} lc_monetary=${locale} lc_numeric=${locale} lc_time=${locale}`;
const OFFICIAL = values("ISO, MDY", "Etc/UTC", "english", "en_US.utf8");
/** As every cluster had it that an earlier version of this image initialised. */
const BEFORE = values("ISO, MDY", "GMT", "simple", "C").replace("lc_messages=C", "lc_messages=");

/** What a volume is like that an earlier version of this image initialised. */
const asBefore = (volume: string, major = 18) => change(volume, `rm ${VOLUME}/${major}/docker/initdb.conf`);

const GERMAN = {
  POSTGRES_INITDB_ARGS: "--locale=C --text-search-config=german --set work_mem=33MB",
  TZ: "Europe/Berlin",
};

describe("image: what initdb decides for its locale", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  it("holds, as in the official image", async () => {
    const server = await boot(await copyOf(prepared.volume));
    expect(await said(server)).to.equal(OFFICIAL);
    expect(await server.sql("SELECT to_tsvector('the running dogs')")).to.equal("'dog':3 'run':2");
    expect(await server.sql("SELECT 1234.5::numeric::money, to_char(1234.5, '9G999D9')")).to.equal(
      "$1,234.50| 1,234.5",
    );
    await server.remove();
  });

  it("is the arguments' and the time zone's; nothing else is taken out of that file, and the log stays in UTC", async () => {
    const server = await Container.ready(environment({ POSTGRES_PASSWORD: "secret", ...GERMAN }));
    expect(await said(server)).to.equal(values("ISO, MDY", "Europe/Berlin", "german", "C"));
    expect(await server.sql("SHOW work_mem")).to.equal("4MB");
    expect(await server.sql("SHOW log_timezone")).to.equal("UTC");
    await server.remove();
  });

  it("counts for the scripts of the first initialisation, and less than a file in conf.d", async () => {
    const scripts = newFolder({ "10.sql": "CREATE TABLE first AS SELECT to_tsvector('the dogs') AS words" });
    const conf = newFolder({ "a.conf": "lc_time = 'C'\n" });
    const server = await Container.ready([
      ...environment({ POSTGRES_PASSWORD: "secret" }),
      ...["-v", `${scripts}:/docker-entrypoint-initdb.d:ro`, "-v", `${conf}:/etc/postgresql/conf.d:ro`],
    ]);
    expect(await server.sql("SELECT words FROM first")).to.equal("'dog':2");
    expect(await said(server)).to.equal(OFFICIAL.replace("lc_time=en_US.utf8", "lc_time=C"));
    await server.remove();
  });

  it("does not change the words of a database that began without", async () => {
    const volume = await copyOf(prepared.volume);
    await asBefore(volume);
    const server = await boot(volume);
    const now = await said(server);
    await server.remove();
    expect(now.replace(/lc_messages=\S*/, "lc_messages=")).to.equal(BEFORE);
  });

  it("comes with a restore, whatever the data had that it replaces, and with a clone", async () => {
    const old = await copyOf(prepared.volume);
    await asBefore(old);
    const restoring = await boot(old, request(prepared.targets.lsn.to));
    await restored(restoring);
    expect(await said(restoring)).to.equal(OFFICIAL);
    await restoring.remove();
    const clone = await Container.start([
      ...["-v", `${prepared.volume}:/source:ro`, "-v", `${await newVolume()}:${VOLUME}`],
      ...environment({ POSTGRES_PASSWORD: "new", CLONE_FROM: "/source/archive/18" }),
    ]);
    await clone.isUp();
    expect(await said(clone)).to.equal(OFFICIAL);
    await clone.remove();
  });

  it("goes on through an upgrade as it was, or was not", async function () {
    needMajors(this, 17);
    const volume = await newVolume();
    const old = await boot(volume, GERMAN, await imageOf(17));
    await keptPrograms(old);
    await old.end();
    const copy = await copyOf(volume);
    await asBefore(copy, 17);
    const [server, without] = await Promise.all(
      [volume, copy].map((it) => bootMajor(18, it, upgrade({ PG_REINDEX_COLLATIONS: "true" }))),
    );
    for (const it of [server, without]) await upgraded(it as Container);
    expect(await said(server as Container)).to.equal(values("ISO, MDY", "Europe/Berlin", "german", "C"));
    expect((await said(without as Container)).replace(/lc_messages=\S*/, "lc_messages=")).to.equal(BEFORE);
    for (const it of [server, without]) await (it as Container).remove();
  });
});
