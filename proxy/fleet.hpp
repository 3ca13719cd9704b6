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
  /// `done` on the control thread once every worker has run `job`.
  void on_all_then(std::function<void(Worker&)> job, std::function<void()> done);
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
  struct Gathering {
    std::vector<Answer> answers;
    std::size_t missing;
    std::function<void(std::vector<Answer>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = workers_.size();
  gathering->done = std::move(done);
  for (const auto& worker : workers_) {
    worker->post([this, question, gathering](Worker& asked) {
      // Only the control thread touches the gathering.
      boost::asio::post(control_, [gathering, answer = question(asked)]() mutable {
        gathering->answers.push_back(std::move(answer));
        if (--gathering->missing == 0) gathering->done(std::move(gathering->answers));
      });
    });
  }
}

}  // namespace sluice::proxy
