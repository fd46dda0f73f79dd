import Foundation
import TestKit
import Testing

/// Whether the environment names a Ray.
private func hasRay() -> Bool {
  FileManager.default.isExecutableFile(atPath: ProcessInfo.processInfo.environment["ANNEAL_RAY"] ?? "")
}

/// Runs on a real Ray of one node, which `scripts/ray-here` starts and ends.
@Suite(.enabled(if: hasRay(), "`ANNEAL_RAY` names no program `ray`"), .serialized)
struct RayRunTests {
  @Test func aPipelineRunsAsJobs() throws {
    let project = try Project()
    let list = "curl --silent --noproxy '*' \"$RAY_API_SERVER_ADDRESS/api/jobs/\""
    let (code, text) = try project.beside(
      "ray-here", "\"$ANNEAL\" run pipeline.yaml --executor ray --cores 1 --jobs 2 && \(list)")
    #expect(code == 0, "\(text)")
    // The jobs stand in Ray's own list, under their names, and have ended well; the last one as soon as Ray notices.
    let jobs = text.components(separatedBy: "\"submission_id\": \"anneal-").dropFirst()
    #expect(jobs.count == 6 && !jobs.contains { $0.contains("\"status\": \"FAILED\"") }, "\(text)")
    #expect(jobs.count { $0.contains("\"status\": \"SUCCEEDED\"") } >= 5, "\(text)")
  }

  @Test func aJobThatSomebodyStopsIsAFailure() throws {
    let project = try Project()
    try project.edit("epochs: 3", "epochs: 3000")
    let (code, text) = try project.beside(
      "ray-here",
      """
      "$ANNEAL" run pipeline.yaml --executor ray --cores 1 sft & run=$!
      until id=$(grep -hso 'job anneal-[0-9a-f]*' .anneal/runs/*/logs/sft.log); do sleep 1; done
      job=$RAY_API_SERVER_ADDRESS/api/jobs/${id#job }
      until curl --silent --noproxy '*' "$job" | grep -q '"RUNNING"'; do sleep 1; done
      curl --silent --noproxy '*' -X POST "$job/stop"
      wait $run
      """)
    #expect(code == 1 && text.contains("of node `sft` ended as STOPPED and left no result"), "\(text)")
  }
}
