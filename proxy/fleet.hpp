#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/hosted_worker.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {

/// All workers with their threads, as the control thread sees them.
class Fleet {
 public:
  /// `control`: the loop on which answers arrive. Outlives the fleet. `host`: runs the one worker
  /// instead of a thread, when given.
  Fleet(boost::asio::io_context& control, unsigned workers, Worker::Shared shared,
        boost::asio::io_context* host = nullptr);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  /// Joins the threads. Requires release() before, or that they never started.
  ~Fleet();

  void start();
  std::size_t size() const { return workers_.size(); }
  /// Before start() only.
  Worker& at(std::size_t index) { return *workers_[index]; }

  /// Runs `job` on every worker's thread.
  void on_all(std::function<void(Worker&)> job);
  /// Asks every worker; `done` gets all answers on the control thread when the last one is there.
  template <class Answer>
  void ask_all(std::function<Answer(Worker&)> question,
               std::function<void(std::vector<Answer>)> done);
  /// The same for what takes longer than requests can wait: `part` adds to the answer, in one turn
  /// of the worker after another, until it returns true (Reactor::post_in_parts()). Each worker has
  /// a copy of it.
  template <class Answer>
  void ask_all_in_parts(std::function<bool(Worker&, Answer&)> part,
                        std::function<void(std::vector<Answer>)> done);
  /// `done` on the control thread once every worker has run `job`.
  void on_all_then(std::function<void(Worker&)> job, std::function<void()> done);
  /// Puts a plan, or with a null plan only conditions, in force in every worker; `done` then.
  void change(std::shared_ptr<const core::Plan> plan,
              std::shared_ptr<const std::vector<BackendCondition>> conditions,
              std::function<void()> done);
  /// Lets the workers end once nothing is left to do, and waits for them.
  void release_and_join();
  /// Gives a hosted worker a turn in place of its host. False when there is none or it has ended.
  bool turn_hosted() { return hosted_ && hosted_->turn(); }

 private:
  boost::asio::io_context& control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::unique_ptr<HostedWorker> hosted_;
  bool is_running_ = false;
};

template <class Answer>
void Fleet::ask_all(std::function<Answer(Worker&)> question,
                    std::function<void(std::vector<Answer>)> done) {
  ask_all_in_parts<Answer>(
      [question = std::move(question)](Worker& asked, Answer& answer) {
        answer = question(asked);
        return true;
      },
      std::move(done));
}

template <class Answer>
void Fleet::ask_all_in_parts(std::function<bool(Worker&, Answer&)> part,
                             std::function<void(std::vector<Answer>)> done) {
  struct Gathering {
    std::vector<Answer> answers;
    std::size_t missing;
    std::function<void(std::vector<Answer>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = workers_.size();
  gathering->done = std::move(done);
  for (const auto& worker : workers_) {
    worker->post_in_parts(
        [this, part, gathering, answer = std::make_shared<Answer>()](Worker& asked) mutable {
          if (!part(asked, *answer)) return false;
          // Only the control thread touches the gathering. It frees the question, too: what that
          // holds may be large, and requests wait for this thread.
          boost::asio::post(control_, [part = std::move(part), gathering = std::move(gathering),
                                       answer = std::move(answer)] {
            gathering->answers.push_back(std::move(*answer));
            if (--gathering->missing == 0) gathering->done(std::move(gathering->answers));
          });
          return true;
        });
  }
}

}  // namespace sluice::proxy
