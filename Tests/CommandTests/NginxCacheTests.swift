import Foundation
import Glibc
import Pipeline
import TestKit
import Testing

/// The nginx of this machine; a build of one's own where ANNEAL_NGINX names it.
private let nginx = ProcessInfo.processInfo.environment["ANNEAL_NGINX"] ?? "/usr/sbin/nginx"

/// nginx with WebDAV as a cache: a server that checks nothing.
@Suite(.serialized, .enabled(if: FileManager.default.isExecutableFile(atPath: nginx), "nginx is not installed"))
struct NginxCacheTests {
  private final class Server {
    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    init() throws {
      folder = try TemporaryFolder()
      // A port that was free just now.
      port = Int(try ToyCacheServer().port)
      let place = folder.path
      try FileManager.default.createDirectory(atPath: place + "/kept", withIntermediateDirectories: true)
      let user = getuid() == 0 ? "user root;" : ""
      try folder.write(
        """
        daemon off; \(user) worker_processes 1; pid \(place)/pid; error_log \(place)/errors;
        events {}
        http {
          access_log off;
          client_body_temp_path \(place)/bodies; proxy_temp_path \(place)/p; fastcgi_temp_path \(place)/f;
          uwsgi_temp_path \(place)/u; scgi_temp_path \(place)/s;
          server {
            listen 127.0.0.1:\(port);
            root \(place)/kept;
            client_max_body_size 0;
            dav_methods PUT; create_full_put_path on;
          }
        }

        """, to: "nginx.conf")
      process.executableURL = URL(fileURLWithPath: nginx)
      process.arguments = ["-p", place, "-c", place + "/nginx.conf", "-e", place + "/errors"]
      process.standardError = FileHandle.nullDevice
      try process.run()
      for _ in 0..<200 {
        if (try? PlainHTTP(port: port)) != nil { return }
        usleep(50_000)
      }
      throw ToyError(text: "nginx does not listen")
    }

    deinit {
      if process.isRunning { process.terminate() }
      process.waitUntilExit()
    }

    var address: String { "http://127.0.0.1:\(port)" }
  }

  @Test func anotherMachineRunsNothing() throws {
    let server = try Server()
    let project = try Project()
    let made = try project.anneal("run", "pipeline.yaml", "--cache", server.address)
    #expect(made.code == 0 && !made.messages.contains("not shared"), "\(made.messages)")
    let expected = try project.digest("sft", "model")
    let other = ["ANNEAL_STORE": project.folder.path("other")]
    let run = try project.anneal("run", "pipeline.yaml", "--cache", "ro:\(server.address)", environment: other)
    #expect(run.code == 0 && run.messages.contains("sft: fetched from `\(server.address)`"), "\(run.messages)")
    #expect(try Set(project.states().values) == ["cached"])
    #expect(try project.digest("sft", "model") == expected)
    #expect(try project.anneal("cache", "verify", environment: other).code == 0)
  }
}
