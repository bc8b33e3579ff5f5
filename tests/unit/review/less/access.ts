import type { Tree } from "../../settings/stack";
import { type LessProtection, said } from "./less";

/** More people who get in, or others. */
export const ACCESS: readonly LessProtection[] = [
  {
    what: "a load balancer that anybody reaches",
    config: { access: { serviceType: "LoadBalancer" } },
    rows: [
      ["opened to the outside", /Service postgres-client `access.serviceType`: `ClusterIP` → `LoadBalancer`/],
    ],
    says: /from the internet, anyone \(no source ranges\) may try passwords/,
  },
  {
    what: "a port of every node",
    config: { access: { serviceType: "NodePort" } },
    rows: [["opened to the outside", /Service postgres-client .*→ `NodePort`/]],
    says: /every node answers for the database/,
  },
  {
    what: "a load balancer for an office and inside the cloud",
    config: {
      access: {
        serviceType: "LoadBalancer",
        serviceAnnotations: {
          "service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8",
          "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
        },
      },
    },
    rows: [["opened to the outside", /Service postgres-client .*→ `LoadBalancer`/]],
    says: /from inside the cloud's network, `10.0.0.0\/8` may try passwords/,
  },
  {
    what: "wider source ranges",
    before: ranges("10.0.0.0/8, 192.0.2.0/24"),
    config: ranges("10.1.0.0/16,192.0.0.0/16"),
    rows: [
      [
        "opened to the outside",
        /Service postgres-client source ranges: `192.0.0.0\/16`, which were kept out/,
      ],
    ],
    says: /may try passwords/,
    both: true,
  },
  {
    what: "no source ranges any more",
    before: ranges("10.0.0.0/8"),
    config: {
      access: {
        serviceAnnotations: { "service.beta.kubernetes.io/load-balancer-source-ranges": undefined },
      },
    },
    rows: [["opened to the outside", /source ranges: `0.0.0.0\/0` and `::\/0`, which were kept out/]],
    says: /anyone \(no source ranges\)/,
  },
  {
    what: "a load balancer that is no longer internal",
    before: internal("internal"),
    config: internal("internet-facing"),
    rows: [["opened to the outside", /Service postgres-client the load balancer is no longer internal/]],
    says: /from the internet/,
  },
  {
    what: "a load balancer without the word that kept it internal",
    before: internal("internal"),
    config: internal(undefined),
    rows: [["opened to the outside", /Service postgres-client the load balancer is no longer internal/]],
    says: /from the internet/,
  },
  {
    what: "a load balancer without Google's word that kept it internal",
    before: balanced({ "networking.gke.io/load-balancer-type": "Internal" }),
    config: balanced({ "networking.gke.io/load-balancer-type": undefined }),
    rows: [["opened to the outside", /Service postgres-client the load balancer is no longer internal/]],
    says: /from the internet/,
  },
  {
    what: "other security groups of the load balancer",
    before: groups("sg-1"),
    config: groups("sg-2"),
    rows: [["access changes", /Service postgres-client .*security-groups`: `sg-1` → `sg-2`/]],
    says: /other rules, .* decide who gets in/,
    ...said,
  },
  {
    what: "another role",
    config: { access: { role: "other", database: "app" } },
    rows: [["access changes", /StatefulSet postgres `access.role`: `app` → `other`/]],
    says: /no table in it.*`REASSIGN OWNED BY app TO other`/,
    both: true,
  },
  {
    what: "a database of another name",
    config: { access: { database: "orders" } },
    rows: [["access changes", /StatefulSet postgres `access.database`: `app` → `orders`/]],
    says: /another database, which is empty unless it exists/,
    both: true,
  },
];

function ranges(text: string): Tree {
  return balanced({ "service.beta.kubernetes.io/load-balancer-source-ranges": text });
}

function internal(scheme: string | undefined): Tree {
  return balanced({ "service.beta.kubernetes.io/aws-load-balancer-scheme": scheme });
}

function groups(names: string): Tree {
  return balanced({ "service.beta.kubernetes.io/aws-load-balancer-security-groups": names });
}

function balanced(serviceAnnotations: Tree): Tree {
  return { access: { serviceType: "LoadBalancer", serviceAnnotations } };
}
