import { type Edit, loses } from "./compare";
import type { Table } from "./table";

/** Libraries that refuse or record something. */
export const GUARDS =
  /^(auth_delay|credcheck|login_hook|passwordcheck|pg_tde|pgaudit|sepgsql|set_user|supautils)$/;

/** Libraries whose absence only makes statements slower or statistics fewer. */
const FIGURES = /^(auto_explain|pg_prewarm|pg_qualstats|pg_stat_kcache|pg_stat_statements|pg_wait_sampling)$/;

const guards = (usual: string) =>
  [
    {
      effect: "checks are off",
      usual,
      less: loses(GUARDS),
      why: "nothing refuses or records any more what that library did",
    },
    {
      effect: "may not serve",
      usual,
      less: (edit: Edit) => loses(/./)({ ...edit, before: without(edit.before) }),
      why: "nothing does that library's work any more: statements that need it fail, jobs that it ran stop",
    },
  ] as const;

/** A list of libraries, without those that have a rule or need none. */
function without(libraries: string): string {
  const names = libraries.split(",").map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
  return names.filter((name) => !GUARDS.test(name) && !FIGURES.test(name)).join();
}

/** Libraries that a server loads. */
export const LIBRARIES: Table = {
  shared_preload_libraries: guards("pg_stat_statements"),
  session_preload_libraries: guards(""),
  local_preload_libraries: guards(""),
};
