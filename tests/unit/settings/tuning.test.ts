import { expect } from "chai";
import fc from "fast-check";
import { gucBytes, gucNumber, gucProblem } from "../../../settings/guc-values";
import { type Guc, gucsOf } from "../../../settings/gucs";
import { MAJORS } from "../../../settings/major";
import { type Machine, tune } from "../../../settings/tuning";
import { archiverMemory, walgConcurrency } from "../../../settings/walg";

const MI = 2 ** 20;
const GI = 2 ** 30;

const machine: fc.Arbitrary<Machine> = fc.record({
  memory: fc
    .oneof(fc.integer({ min: 256, max: 8192 }), fc.integer({ min: 256, max: MI }))
    .map((mi) => mi * MI + 12345),
  cpu: fc.integer({ min: 100, max: 128_000 }).map((thousandths) => thousandths / 1000),
  walRoom: fc.integer({ min: 128, max: 8 * MI }).map((mi) => mi * MI + 54321),
  archiving: fc.boolean(),
});

const sizeOf = (settings: Record<string, string>, name: string) =>
  gucBytes(gucsOf(18).find(name) as Guc, settings[name] ?? "") as number;
const numberOf = (settings: Record<string, string>, name: string) =>
  gucNumber(gucsOf(18).find(name) as Guc, settings[name] ?? "") as number;

/** Holds for every machine from 256Mi to 1Ti and from 0.1 to 128 CPUs. */
function always(holds: (settings: Record<string, string>, machine: Machine) => void): void {
  const property = fc.property(machine, (it) => {
    holds(tune(it), it);
  });
  fc.assert(property, { numRuns: 500 });
}

describe("what is derived from memory, CPU and volume", () => {
  it("is valid for PostgreSQL on every machine", () => {
    always((settings) => {
      for (const [name, value] of Object.entries(settings)) {
        for (const major of MAJORS) {
          const problem = gucProblem(gucsOf(major).find(name) as Guc, value);
          expect(problem, `${name} = ${value} in ${major}`).to.equal(undefined);
        }
      }
    });
  });

  it("leaves the memory that all sessions at once and WAL-G need", () => {
    always((settings, it) => {
      const processes = numberOf(settings, "max_connections") + numberOf(settings, "max_worker_processes");
      const sessions = processes * sizeOf(settings, "work_mem");
      const archiver = it.archiving ? archiverMemory(it) : 0;
      expect(sizeOf(settings, "shared_buffers") + sessions + archiver).to.be.below(it.memory);
    });
  });

  it("never lets WAL outgrow the volume", () => {
    always((settings, it) => expect(sizeOf(settings, "max_wal_size")).to.be.at.most(it.walRoom / 2));
  });

  it("never lets a slot that nobody reads fill the volume, and never gives one up below max_wal_size", () => {
    always((settings, it) => {
      const kept = sizeOf(settings, "max_slot_wal_keep_size");
      expect(kept).to.be.within(sizeOf(settings, "max_wal_size"), it.walRoom / 2);
    });
    const it = { memory: 8 * GI, cpu: 4, walRoom: 10 * GI, archiving: true };
    expect(sizeOf(tune(it, { max_wal_size: 8 * GI }), "max_slot_wal_keep_size")).to.equal(8 * GI);
  });

  it("keeps min_wal_size below max_wal_size and both at two segments or more", () => {
    always((settings) => {
      expect(sizeOf(settings, "min_wal_size")).to.be.within(32 * MI, sizeOf(settings, "max_wal_size"));
    });
  });

  it("leaves connections for the application", () => {
    always((settings) => expect(numberOf(settings, "max_connections")).to.be.at.least(25));
  });

  it("uses no parallel workers where there is one CPU", () => {
    const settings = tune({ memory: GI, cpu: 1, walRoom: GI, archiving: false });
    expect(settings).to.include({
      max_parallel_workers_per_gather: "0",
      max_parallel_maintenance_workers: "0",
    });
  });

  it("grows with the memory", () => {
    fc.assert(
      fc.property(machine, fc.integer({ min: 1, max: 64 }), (it, more) => {
        const small = tune(it);
        const big = tune({ ...it, memory: it.memory * more });
        for (const name of ["shared_buffers", "effective_cache_size", "maintenance_work_mem"]) {
          expect(sizeOf(big, name), name).to.be.at.least(sizeOf(small, name));
        }
      }),
    );
  });

  it("follows what the stack chose itself: more connections leave less work_mem", () => {
    const it = { memory: 8 * GI, cpu: 4, walRoom: 10 * GI, archiving: true };
    expect(sizeOf(tune(it, { max_connections: 1000 }), "work_mem")).to.be.below(sizeOf(tune(it), "work_mem"));
    expect(tune(it, { shared_buffers: 64 * MI }).wal_buffers).to.equal("2MB");
    expect(tune(it, { max_wal_size: GI }).min_wal_size).to.equal("256MB");
  });
});

describe("WAL-G's share", () => {
  it("is at most 16 uploads, and less than a third of the memory", () => {
    fc.assert(
      fc.property(machine, (it) => {
        expect(archiverMemory(it)).to.be.below(it.memory / 3);
        expect(Number(walgConcurrency(it).WALG_UPLOAD_CONCURRENCY)).to.be.within(1, 16);
      }),
    );
  });

  it("is one upload at a time on the smallest machine and WAL-G's own default on a big one", () => {
    expect(walgConcurrency({ memory: 256 * MI, cpu: 0.5 })).to.include({
      WALG_UPLOAD_CONCURRENCY: "1",
      WALG_UPLOAD_DISK_CONCURRENCY: "1",
      WALG_DOWNLOAD_CONCURRENCY: "2",
    });
    expect(walgConcurrency({ memory: 32 * GI, cpu: 8 })).to.include({
      WALG_UPLOAD_CONCURRENCY: "16",
      WALG_UPLOAD_DISK_CONCURRENCY: "4",
      WALG_DOWNLOAD_CONCURRENCY: "10",
    });
  });
});
