import PreciseJSON

/// A whole pipeline as jobs of Slurm, each behind those whose results it takes.
package struct SlurmSubmission: Sendable {
  private let submission: Submission
  private let site: SubmissionSite
  private let folder: String
  private let options: [String]

  /// - Parameters:
  ///   - folder: Where the files will lie, by a path that holds on the cluster's machines too.
  ///   - options: Further options of `sbatch`, which win over those made here.
  package init(_ submission: Submission, at site: SubmissionSite, folder: String, options: [String] = []) {
    self.submission = submission
    self.site = site
    self.folder = folder
    self.options = options
  }

  package var files: [SubmissionFile] {
    submission.orders(site).map { SubmissionFile("orders/\($0.name)", $0.text) }
      + submission.jobs.map { SubmissionFile("jobs/\($0.name).sh", script($0), isProgram: true) }
      + [
        SubmissionFile("manifest.json", submission.manifest(executor: "slurm").text(.pretty) + "\n"),
        SubmissionFile("submit.sh", submit, isProgram: true),
      ]
  }

  private func script(_ job: Submission.Job) -> String {
    let words = site.program + ["worker", "--order", "\(folder)/orders/\(job.name).json"]
    let clusterJob = ClusterJob(
      name: submission.clusterName(job), node: job.node, folder: JobFolder(folder), worker: words,
      log: "\(site.logs)/\(job.name).log", project: site.project, cores: job.cores, demand: job.demand)
    // Otherwise those behind a job that failed would wait for ever.
    let own = Slurm.options(clusterJob) + ["--kill-on-invalid-dep=yes"]
    return JobScript.slurm(node: job.node, worker: words, options: own + options)
  }

  /// Submits what does not wait or run already, whatever becomes of single answers.
  private var submit: String {
    let numbers = Dictionary(submission.jobs.enumerated().map { ($1.node, $0 + 1) }) { first, _ in first }
    let lines = submission.jobs.map { job -> String in
      let before = job.waitsFor.compactMap { numbers[$0] }.map { "$job\($0)" }
      let dependency = before.isEmpty ? "" : " \"afterok:\(before.joined(separator: ":"))\""
      return "submit \(submission.clusterName(job)) \(job.name)\(dependency)\njob\(numbers[job.node] ?? 0)=$id\n"
    }
    return """
      #!/bin/sh
      # Hands the jobs of a pipeline to Slurm, each behind those whose results it takes. Once more does no harm: what waits
      # or runs stays as it is, and what is done is found done.
      set -eu
      cd -- "$(dirname -- "$0")"

      # What a surrounding job says of itself would be taken for wishes.
      for variable in $(env | sed -n 's/^\\(SLURM_[A-Za-z0-9_]*\\)=.*/\\1/p'); do
        case $variable in SLURM_CONF | SLURM_JWT) ;; *) unset "$variable" ;; esac
      done

      # submit NAME SCRIPT [DEPENDENCY]: the job's number is in $id after that.
      submit() {
        tries=0
        while :; do
          # An answer may have been lost, and the job be there.
          if found=$(squeue --noheader --user="$(id -u)" --name="$1" --format=%i); then
            id=$(printf '%s\\n' "$found" | head -n 1)
            [ -z "$id" ] || break
            if answer=$(sbatch --parsable ${3:+--dependency="$3"} "jobs/$2.sh"); then
              id=$(printf '%s\\n' "$answer" | tail -n 1 | cut -d ';' -f 1)
              [ -z "$id" ] || break
            fi
          fi
          tries=$((tries + 1))
          if [ "$tries" -ge 3 ]; then
            echo "Slurm does not take the job $1. What was submitted before it stays; start $0 again to go on." >&2
            exit 1
          fi
          sleep "${ANNEAL_SUBMIT_PAUSE:-5}"
        done
        printf '%s\\t%s\\n' "$id" "$1"
      }

      \(lines.joined())
      """
  }
}
