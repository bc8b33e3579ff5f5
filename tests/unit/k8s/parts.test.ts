import { expect } from "chai";
import type { Instance } from "../../../k8s/instance";
import { emptyDir, type ServerPart } from "../../../k8s/pod";
import { serverPod } from "../../../k8s/workload";

describe("what a file adds to the server's pod", () => {
  const instance = {
    ...{ name: "orders", namespace: "shop", owner: "program/dev/shop/orders", disposable: false },
    ...{ image: "r.io/postgres@sha256:0", imageTag: "18-0", placement: { spot: "any" } },
    postgres: { version: 18, memory: "1Gi", cpu: "1" },
  } as unknown as Instance;
  const certificate: ServerPart = {
    mounts: [emptyDir("certificate", "/etc/certificate")],
    environment: { CERTIFICATE: "/etc/certificate" },
    restartOn: { "example/certificate": "1" },
  };
  const exporter: ServerPart = {
    containers: [{ name: "exporter", image: "r.io/exporter" }],
    podLabels: { scraped: "true" },
  };

  it("reaches the server's container and stands beside it: a certificate and an exporter are one file and one line each", () => {
    const { metadata, spec } = JSON.parse(JSON.stringify(serverPod(instance, [certificate, exporter])));
    const [server, beside] = spec.containers;
    expect(server.env).to.deep.include({ name: "CERTIFICATE", value: "/etc/certificate" });
    expect(server.volumeMounts).to.deep.include({ name: "certificate", mountPath: "/etc/certificate" });
    expect(spec.volumes).to.deep.include({ name: "certificate", emptyDir: {} });
    expect(beside).to.deep.equal({ name: "exporter", image: "r.io/exporter" });
    expect(metadata.labels).to.include({ scraped: "true" });
    expect(metadata.annotations).to.deep.equal({
      "postgres-stack/image": "18-0",
      "example/certificate": "1",
    });
  });
});
