import { readFileSync, statSync } from "node:fs";
import { expect } from "chai";
import { read } from "./files";
import { files, type Job, job, steps, workflows } from "./github";
import { type Given, Machine } from "./machine";

interface Cluster {
  readonly vars: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What happens before the cluster is asked. */
  readonly login: readonly string[];
  /** What points Docker at the registry. */
  readonly registry: readonly string[];
}

const CLUSTERS: Readonly<Record<string, Cluster>> = {
  eks: {
    vars: {
      EKS_CLUSTER: "main",
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/deploy",
      AWS_REGION: "eu-central-1",
      REGISTRY: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team",
    },
    login: [
      "uses aws-actions/configure-aws-credentials role-to-assume=arn:aws:iam::123456789012:role/deploy aws-region=eu-central-1",
      "aws eks update-kubeconfig --name main",
    ],
    registry: [
      "aws ecr get-login-password",
      'docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com < "of aws"',
    ],
  },
  gke: {
    vars: {
      GKE_CLUSTER: "projects/example/locations/europe-west1/clusters/main",
      GCP_WORKLOAD_IDENTITY_PROVIDER:
        "projects/1/locations/global/workloadIdentityPools/github/providers/github",
      GCP_SERVICE_ACCOUNT: "deploy@example.iam.gserviceaccount.com",
      REGISTRY: "europe-west1-docker.pkg.dev/example/images",
    },
    login: [
      "uses google-github-actions/auth workload_identity_provider=projects/1/locations/global/workloadIdentityPools/github/providers/github" +
        " service_account=deploy@example.iam.gserviceaccount.com",
      "uses google-github-actions/get-gke-credentials cluster_name=projects/example/locations/europe-west1/clusters/main",
    ],
    registry: [
      "gcloud auth print-access-token",
      'docker login --username oauth2accesstoken --password-stdin europe-west1-docker.pkg.dev < "of gcloud"',
    ],
  },
  aks: {
    vars: {
      AKS_CLUSTER: "main",
      AKS_RESOURCE_GROUP: "databases",
      AZURE_CLIENT_ID: "client",
      AZURE_TENANT_ID: "tenant",
      AZURE_SUBSCRIPTION_ID: "subscription",
      REGISTRY: "example.azurecr.io",
    },
    login: [
      "uses azure/login client-id=client tenant-id=tenant subscription-id=subscription",
      "uses azure/use-kubelogin kubelogin-version=v0.2.19",
      "az aks get-credentials --resource-group databases --name main --overwrite-existing",
      "kubelogin convert-kubeconfig --login azurecli",
    ],
    registry: ["az acr login --name example"],
  },
  kubeconfig: {
    vars: { REGISTRY: "registry.example.com:5000/team", REGISTRY_USER: "ci" },
    secrets: { KUBECONFIG: "apiVersion: v1\nkind: Config", REGISTRY_PASSWORD: "pass word" },
    login: [],
    registry: ['docker login --username ci --password-stdin registry.example.com:5000 < "pass word"'],
  },
};
const KINDS = Object.entries(CLUSTERS);
const ASKED = "kubectl --request-timeout=30s auth whoami --output jsonpath={.status.userInfo.username}";
const NEEDS = { "prod-review": { outputs: { reviewed: "none" } } };
const ANSWERS = {
  aws: "if [[ $1 == ecr ]]; then echo of aws; fi",
  gcloud: "echo of gcloud",
  kubectl: "echo -n somebody",
};

describe("a workflow logs in to a cluster", () => {
  const machine = new Machine();
  after(() => machine.remove());
  const given = ({ vars, secrets }: Cluster): Given => ({ vars, secrets, answers: ANSWERS });
  const deploy = (given: Given, stack = "prod") =>
    machine.run(job("deploy", stack), { ...given, needs: NEEDS });

  for (const [kind, cluster] of KINDS) {
    describe(kind, () => {
      for (const stack of ["dev", "prod"]) {
        it(`logs in to cluster and registry, asks the cluster, and updates ${stack}`, () => {
          const { status, calls } = deploy(given(cluster), stack);
          const update = `deploy ${stack === "dev" ? "up" : "up-reviewed"} ${stack}`;
          expect(calls).to.deep.equal([...cluster.login, ...cluster.registry, ASKED, update]);
          expect(status).to.equal(0);
        });
      }

      it("logs in alike for a review, before the approval and by hand", () => {
        const by = { ...given(cluster), inputs: { stack: "prod" } };
        for (const review of [job("deploy", "prod-review"), job("review", "live")]) {
          const { status, calls } = machine.run(review, by);
          expect(calls).to.deep.equal([...cluster.login, ...cluster.registry, ASKED, "deploy review prod"]);
          expect(status).to.equal(0);
        }
      });

      it("updates nothing when the cluster refuses the login", () => {
        const answers = { ...ANSWERS, kubectl: "echo 'error: You must be logged in' >&2; exit 1" };
        const { status, calls, output } = deploy({ ...given(cluster), answers });
        expect(status).to.equal(1);
        expect(calls.at(-1)).to.equal(ASKED);
        expect(output).to.include("error: You must be logged in");
        expect(output).to.match(/^::error::The cluster refuses the login.* Nothing was changed\..*ci\.md/m);
      });

      it("updates nothing when the registry refuses the login", () => {
        const answers = { ...ANSWERS, docker: "exit 1", az: "if [[ $1 == acr ]]; then exit 1; fi" };
        const { status, calls } = deploy({ ...given(cluster), answers });
        expect(status).to.equal(1);
        expect(calls.at(-1)).to.equal(cluster.registry.at(-1));
      });

      it("passes every value on as one word, whatever is in it", () => {
        const hostile = `x *'"; touch made; $(touch made) \`touch made\` \n--flag`;
        const vars = Object.fromEntries(Object.keys(cluster.vars).map((name) => [name, hostile]));
        if (vars.GKE_CLUSTER) vars.GKE_CLUSTER = `projects/a/locations/b/clusters/${hostile}`;
        const { words } = deploy(given(cluster));
        const ran = deploy({ ...given(cluster), vars });
        expect(ran.calls.join("\n")).to.include(JSON.stringify(hostile).slice(1, -1));
        expect(ran.words).to.deep.equal(words);
        expect(ran.status).to.equal(0);
        expect(machine.made("made")).to.equal(false);
      });
    });
  }

  it("updates nothing when the cloud gives no password for the registry", () => {
    for (const kind of ["eks", "gke"]) {
      const answers = { ...ANSWERS, aws: "[[ $1 != ecr ]]", gcloud: "exit 1" };
      const { status, calls } = deploy({ ...given(CLUSTERS[kind] as Cluster), answers });
      expect(status, kind).not.to.equal(0);
      expect(calls, kind).not.to.include(ASKED);
    }
  });

  for (const [kind, { vars }] of KINDS.filter(([kind]) => kind !== "kubeconfig")) {
    it(`names every variable that the login to ${kind} lacks, before it logs in anywhere`, () => {
      const [cluster = "", ...others] = Object.keys(vars).filter((name) => name !== "REGISTRY");
      const one = others.map((name) => ({ vars: { ...vars, [name]: "" }, lacks: [name] }));
      for (const { vars: rest, lacks } of [...one, { vars: { [cluster]: vars[cluster] }, lacks: others }]) {
        const { status, calls, output } = deploy({ vars: rest, answers: ANSWERS });
        expect({ status, calls }).to.deep.equal({ status: 1, calls: [] });
        expect(output).to.match(/^::error::.* Nothing was changed\./);
        expect(output).to.include(`The login to ${kind} lacks ${lacks.join(" ")}.`);
      }
    });
  }

  it("refuses variables that name no cluster", () => {
    const { status, calls, output } = deploy({
      vars: { REGISTRY: "registry.example.com" },
      answers: ANSWERS,
    });
    expect({ status, calls }).to.deep.equal({ status: 1, calls: [] });
    expect(output).to.include("one of EKS_CLUSTER GKE_CLUSTER AKS_CLUSTER KUBECONFIG has to be set");
  });

  it("refuses variables that name two clusters", () => {
    const pairs = KINDS.flatMap(([one, a], i) =>
      KINDS.slice(i + 1).map(([other, b]) => ({ one, a, other, b })),
    );
    for (const { one, a, other, b } of pairs) {
      const both = { vars: { ...a.vars, ...b.vars }, secrets: { ...a.secrets, ...b.secrets } };
      const { status, calls, output } = deploy({ ...both, answers: ANSWERS });
      expect({ status, calls }).to.deep.equal({ status: 1, calls: [] });
      expect(output).to.include(`More than one cluster is named: ${one} ${other}.`);
    }
  });

  it("refuses a GKE cluster without its project and location", () => {
    const vars = { ...CLUSTERS.gke?.vars, GKE_CLUSTER: "main" };
    const { status, calls, output } = deploy({ vars, answers: ANSWERS });
    expect({ status, calls }).to.deep.equal({ status: 1, calls: [] });
    expect(output).to.include("projects/PROJECT/locations/LOCATION/clusters/NAME");
  });

  it("keeps a kubeconfig outside of the checkout, readable by its user alone", () => {
    const { env } = deploy(given(CLUSTERS.kubeconfig as Cluster));
    const file = env.KUBECONFIG ?? "";
    expect(file).to.include(machine.folder).and.not.include("workspace");
    expect(readFileSync(file, "utf8")).to.equal("apiVersion: v1\nkind: Config\n");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it("pushes to an open registry without a user", () => {
    const { secrets } = CLUSTERS.kubeconfig as Cluster;
    const { status, calls } = deploy({ secrets, vars: { REGISTRY: "registry:5000" }, answers: ANSWERS });
    expect(status).to.equal(0);
    expect(calls.map((it) => it.split(" ")[0])).to.deep.equal(["kubectl", "deploy"]);
  });

  it("comes to the end of every job of every workflow", () => {
    const { vars } = CLUSTERS.eks as Cluster;
    for (const { file, workflow } of workflows) {
      for (const [name, job] of Object.entries(workflow.jobs)) {
        const { status, output } = machine.run(job, {
          vars,
          inputs: { stack: "dev" },
          needs: NEEDS,
          answers: ANSWERS,
        });
        expect(status, `${file}: ${name}\n${output}`).to.equal(0);
      }
    }
  });

  it("shows a review and its update the same variables and secrets", () => {
    const vars = {
      ...CLUSTERS.kubeconfig?.vars,
      PULUMI_BACKEND_URL: "s3://state",
      S3_BUCKET: "b",
      S3_ENDPOINT: "e",
    };
    const secrets = {
      ...CLUSTERS.kubeconfig?.secrets,
      PULUMI_CONFIG_PASSPHRASE: "p",
      S3_ACCESS_KEY_ID: "i",
      S3_SECRET_ACCESS_KEY: "k",
    };
    const answers = { ...ANSWERS, deploy: "env | grep -E '^(PULUMI|S3|REGISTRY)_?' | sort" };
    const given = { vars, secrets, answers, needs: NEEDS, inputs: { stack: "dev" } };
    const of = (of: Job) =>
      machine
        .run(of, given)
        .output.split("\n")
        .filter((line) => line.includes("="));
    const review = of(job("review", "live"));
    expect(review).to.include.members([
      "PULUMI_BACKEND_URL=s3://state",
      "REGISTRY=registry.example.com:5000/team",
      "S3_BUCKET=b",
    ]);
    for (const name of ["dev", "prod-review", "prod"])
      expect(of(job("deploy", name)), name).to.deep.equal(review);
  });

  it("logs in to Pulumi Cloud without a stored token where an organization is named", () => {
    const vars = {
      ...CLUSTERS.eks?.vars,
      PULUMI_ORGANIZATION: "acme",
      PULUMI_BACKEND_URL: "https://api.pulumi.com",
    };
    const given = JSON.stringify({ value: "a.b.c" });
    const answers = {
      ...ANSWERS,
      curl: `while [[ $1 != -o ]]; do shift; done; printf '%s' '${given}' >"$2"`,
      pulumi: 'cat "$(cut -c 8- <<<"$4")"',
    };
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: "https://token.example.com/?v=1",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of the job",
    };
    const { status, calls, output } = machine.run(
      { ...job("deploy", "prod"), env },
      { vars, answers, needs: NEEDS },
    );
    expect(status, output).to.equal(0);
    expect(calls.find((it) => it.startsWith("curl"))).to.include("?v=1&audience=urn:pulumi:org:acme");
    expect(calls.find((it) => it.startsWith("pulumi"))).to.match(
      /^pulumi login https:\/\/api.pulumi.com --oidc-token file:.* --oidc-org acme$/,
    );
    expect(output).to.include("a.b.c");
  });

  it("stores no key of a cloud", () => {
    const keys = /^(creds|client-secret|credentials_json|aws-access-key-id|aws-secret-access-key)$/;
    for (const { title, step } of steps) {
      expect(
        Object.keys(step.with ?? {}).filter((name) => keys.test(name)),
        title,
      ).to.deep.equal([]);
    }
    const secrets = files.flatMap((file) =>
      [...read(file).matchAll(/secrets\.(\w+)/g)].map(([, name]) => name),
    );
    expect([...new Set(secrets)].sort()).to.deep.equal([
      "KUBECONFIG",
      "PULUMI_ACCESS_TOKEN",
      "PULUMI_CONFIG_PASSPHRASE",
      "REGISTRY_PASSWORD",
      "S3_ACCESS_KEY_ID",
      "S3_SECRET_ACCESS_KEY",
    ]);
  });

  it("hands out secrets one by one", () => {
    for (const file of files) expect(read(file), file).not.to.match(/toJSON\(secrets\)|secrets: inherit/);
  });

  it("has each of its variables and secrets explained in docs/ci.md", () => {
    const page = read("docs/ci.md");
    const used = /(?:vars|secrets|fromJSON\(inputs\.variables\))\.(\w+)/g;
    const names = files.flatMap((file) => [...read(file).matchAll(used)].map(([, name = ""]) => name));
    expect(names).to.include.members(["EKS_CLUSTER", "GKE_CLUSTER", "AKS_CLUSTER", "KUBECONFIG"]);
    expect([...new Set(names)].filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
  });
});
