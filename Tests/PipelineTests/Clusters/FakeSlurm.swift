import Foundation
import Pipeline
import TestKit

/// Programs with the names of Slurm's in a folder of their own, which run jobs on this machine and misbehave as told.
final class FakeSlurm: Sendable {
  let folder: TemporaryFolder
  let workspace: ToyWorkspace
  private let program: String

  init(_ program: String) throws {
    self.program = program
    folder = try TemporaryFolder()
    workspace = try ToyWorkspace()
    let script = Self.script.replacingOccurrences(of: "FOLDER", with: folder.path)
    for name in ["sbatch", "squeue", "scancel", "scontrol", "run-job"] { try install(script, as: name) }
    try FileManager.default.createDirectory(atPath: folder.path("jobs"), withIntermediateDirectories: true)
  }

  private func install(_ text: String, as name: String) throws {
    try folder.write(text, to: "bin/\(name)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("bin/\(name)"))
  }

  /// Has lines of shell run at a place of the fake: `before-sbatch`, `after-sbatch`, `instead-of-job`, `beside-job`,
  /// `on-squeue`, `on-sacct`.
  func hook(_ place: String, _ lines: String) throws {
    try folder.write(lines + "\n", to: place)
    if place == "on-sacct" { try install("#!/bin/sh\n. \(folder.path)/on-sacct\n", as: "sacct") }
  }

  /// What was noted in a file of the fake's.
  func noted(_ name: String) -> String { (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) ?? "" }

  /// As a process has it that runs in a job itself.
  var environment: [String: String] {
    [
      "PATH": "\(folder.path("bin")):/usr/bin:/bin", "SLURM_JOB_ID": "77", "SLURM_CONF": "/conf",
      "SLURM_MEM_PER_CPU": "1",
    ]
  }

  var cluster: Slurm { Slurm(options: ["--partition=short"], environment: environment, breath: 0.05) }

  /// The states of all jobs, by their names.
  var states: [String: String] {
    let jobs = (try? FileManager.default.contentsOfDirectory(atPath: folder.path("jobs"))) ?? []
    func line(_ job: String, _ file: String) -> String {
      noted("jobs/\(job)/\(file)").trimmingCharacters(in: .whitespacesAndNewlines)
    }
    return Dictionary(jobs.map { (line($0, "name"), line($0, "state")) }) { first, _ in first }
  }

  static var pace: ClusterPace {
    var pace = ClusterPace()
    (pace.look, pace.ask, pace.grace, pace.patience) = (0.02, 0.05, 0.3, 1)
    return pace
  }

  func executor(_ cluster: (any Cluster)? = nil) -> ClusterExecutor {
    ClusterExecutor(
      cluster ?? self.cluster, store: workspace.store, worker: program, project: workspace.folder.path, pace: Self.pace)
  }

  func run(_ text: String, cancellation: Cancellation = Cancellation()) throws -> RunSummary {
    try workspace.run(text, heavy: executor(), cancellation: cancellation)
  }

  private static let script = #"""
    #!/bin/sh
    F=FOLDER
    hook() { if [ -e "$F/$1" ]; then . "$F/$1"; fi; }
    state() { echo "$2" > "$F/jobs/$1/new" && mv "$F/jobs/$1/new" "$F/jobs/$1/state"; }
    case $(basename "$0") in
    sbatch)
      echo "$@" >> $F/sbatch.words
      env | grep ^SLURM_ | sort > $F/sbatch.environment
      hook before-sbatch
      n=1
      while ! mkdir $F/jobs/$n 2>/dev/null; do n=$((n + 1)); done
      for script in "$@"; do :; done
      before=
      { sed -n 's/^#SBATCH //p' "$script"; printf '%s\n' "$@"; } > $F/jobs/$n/options
      while read -r word; do
        case $word in *=\"*) word=$(printf '%s\n' "$word" | sed 's/="/=/; s/"$//; s/%%/%/g') ;; esac
        case $word in
        --job-name=*) echo "${word#*=}" > $F/jobs/$n/name ;;
        --output=*) log=${word#*=} ;;
        --chdir=*) place=${word#*=} ;;
        --dependency=afterok:*) before=$(echo "${word#*:}" | tr : ' ') ;;
        esac
      done < $F/jobs/$n/options
      case $script in /*) ;; *) script=$PWD/$script ;; esac
      state $n PENDING
      # Out of the group of this program, whose end is the end of it all.
      setsid "$F/bin/run-job" $n "$script" "$log" "$place" "$before" > /dev/null 2>&1 < /dev/null &
      while [ ! -e $F/begun-$n ]; do sleep 0.01; done
      hook after-sbatch
      echo $n
      ;;
    run-job)
      n=$1 script=$2 log=$3
      cd "$4"
      : > $F/begun-$n
      for other in $5; do
        while :; do
          case $(cat $F/jobs/$other/state) in
          COMPLETED) break ;;
          PENDING | RUNNING) sleep 0.05 ;;
          *) state $n CANCELLED; exit ;;
          esac
        done
      done
      r=0
      while :; do
        state $n RUNNING
        if [ -e $F/instead-of-job ]; then
          hook instead-of-job
        else
          SLURM_JOB_ID=$n SLURM_RESTART_COUNT=$r setsid sh "$script" >> "$log" 2>&1 &
          pid=$!
          echo $pid > $F/jobs/$n/pid
          hook beside-job
          wait $pid
          code=$?
          if [ -e $F/jobs/$n/cancelled ]; then exit; fi
          if [ ! -e $F/jobs/$n/again ]; then
            if [ $code = 0 ]; then state $n COMPLETED; else state $n FAILED; fi
          fi
        fi
        [ -e $F/jobs/$n/again ] || exit
        rm $F/jobs/$n/again
        state $n PENDING
        r=$((r + 1))
        sleep 0.2
      done
      ;;
    squeue)
      hook on-squeue
      for job in $F/jobs/*; do
        case "$*" in *--name=*) case "$*" in *--name="$(cat $job/name)"*) ;; *) continue ;; esac ;; esac
        case "$* $(cat $job/state)" in *--states=all*) ;; *PENDING | *RUNNING) ;; *) continue ;; esac
        case "$*" in *%T*) echo "$(basename $job)|$(cat $job/state)" ;; *) basename $job ;; esac
      done
      ;;
    scancel)
      echo "$@" >> $F/scancel.words
      signal=KILL
      for word in "$@"; do
        case $word in
        --signal=*) signal=${word#*=} ;;
        --*) ;;
        *)
          if [ $signal = KILL ]; then
            touch $F/jobs/$word/cancelled
            state $word "CANCELLED by 1000"
            kill -KILL -- -$(cat $F/jobs/$word/pid)
          else
            kill -$signal $(cat $F/jobs/$word/pid)
          fi
          ;;
        esac
      done
      ;;
    scontrol)
      if [ $1 = requeue ]; then touch $F/jobs/$2/again; else echo "JobId=$4 JobState=$(cat $F/jobs/$4/state) Reason=None ExitCode=0:9"; fi
      ;;
    esac
    """#
}
