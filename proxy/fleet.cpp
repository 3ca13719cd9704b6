#include "proxy/fleet.hpp"

namespace sluice::proxy {

Fleet::Fleet(boost::asio::io_context& control, unsigned workers, Worker::Shared shared)
    : control_(control) {
  for (unsigned index = 0; index < workers; ++index) {
    workers_.push_back(std::make_unique<Worker>(shared));
  }
}

Fleet::~Fleet() {
  release_and_join();
}

void Fleet::start() {
  for (const auto& worker : workers_) {
    threads_.emplace_back([&running = *worker] { running.run(); });
  }
}

void Fleet::on_all(std::function<void(Worker&)> job) {
  for (const auto& worker : workers_) worker->post(job);
}

void Fleet::on_all_then(std::function<void(Worker&)> job, std::function<void()> done) {
  ask_all<char>(
      [job = std::move(job)](Worker& worker) {
        job(worker);
        return '\0';
      },
      [done = std::move(done)](const std::vector<char>&) { done(); });
}

void Fleet::release_and_join() {
  if (threads_.empty()) return;
  on_all([](Worker& worker) { worker.release(); });
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace sluice::proxy
