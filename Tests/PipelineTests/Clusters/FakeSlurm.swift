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
    for name in ["sbatch", "squeue", "scancel", "scontrol"] { try install(script, as: name) }
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
    if place == "on-sacct" { try install(". \(folder.path)/on-sacct\n", as: "sacct") }
  }

  /// What was noted in a file of the fake's.
  func noted(_ name: String) -> String { (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) ?? "" }

  var cluster: Slurm {
    Slurm(
      options: ["--partition=short"],
      environment: [
        "PATH": "\(folder.path("bin")):/usr/bin:/bin", "SLURM_JOB_ID": "77", "SLURM_CONF": "/conf",
        "SLURM_MEM_PER_CPU": "1",
      ], breath: 0.05)
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
      for word in "$@"; do
        case $word in --job-name=*) echo "${word#*=}" > $F/jobs/$n/name ;; --output=*) log=${word#*=} ;; esac
        script=$word
      done
      state $n PENDING
      (
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
      ) > /dev/null 2>&1 < /dev/null &
      hook after-sbatch
      echo $n
      ;;
    squeue)
      hook on-squeue
      for job in $F/jobs/*; do
        case "$*" in *--name=*) case "$*" in *--name="$(cat $job/name)"*) ;; *) continue ;; esac ;; esac
        echo "$(basename $job)|$(cat $job/state)"
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
