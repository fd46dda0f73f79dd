import Glibc
import PreciseJSON
import Threads

/// A program that is asked for rewards: it reads a line a completion and writes a line a reward.
///
/// It is kept over all batches and gets a batch without waiting for answers in between. What it writes to its standard
/// error goes to this program's. One that does not answer in time is killed, with all that it started, and started again
/// for the completions behind the one that it was at.
final class ExternalScorer: RewardFunction {
  private let command: [String]
  private let timeout: Double
  private var running: ScorerConversation?
  private(set) var timeouts = 0
  /// Answers that came so far.
  private var answers = 0

  /// How often it may fail to answer in time, when it never did.
  private static let patience = 3

  /// Starts the program.
  init(_ command: [String], timeout: Double) throws(RewardError) {
    self.command = command
    self.timeout = timeout
    running = try ScorerConversation(command)
  }

  deinit { running?.end(waiting: false) }

  func rewards(of samples: [RewardSample]) throws -> [Double?] {
    var rewards: [Double?] = []
    while rewards.count < samples.count {
      let conversation = try running ?? ScorerConversation(command)
      running = conversation
      do throws(RewardError) {
        let given = try conversation.rewards(of: samples[rewards.count...], timeout: timeout)
        rewards += given
        answers += given.count
      } catch {
        conversation.end(waiting: false)
        running = nil
        throw error
      }
      guard rewards.count < samples.count else { break }
      conversation.end(waiting: false)
      running = nil
      timeouts += 1
      if answers == 0, timeouts >= Self.patience {
        throw RewardError.silent(command, seconds: timeout, times: timeouts)
      }
      rewards.append(nil)
    }
    return rewards
  }

  func end() {
    running?.end(waiting: true)
    running = nil
  }
}
