#include "proxy/fleet.hpp"

#include <string>

#include "proxy/plan_change.hpp"
#include "proxy/thread_name.hpp"

namespace sluice::proxy {

Fleet::Fleet(boost::asio::io_context& control, unsigned workers, Worker::Shared shared,
             boost::asio::io_context* host)
    : control_(control) {
  if (host != nullptr) workers = 1;
  for (unsigned index = 0; index < workers; ++index) {
    workers_.push_back(std::make_unique<Worker>(shared, WorkerPlace{index, workers}));
  }
  if (host != nullptr) hosted_ = std::make_unique<HostedWorker>(*host, *workers_.front());
}

Fleet::~Fleet() {
  release_and_join();
}

void Fleet::start() {
  is_running_ = true;
  if (hosted_) return hosted_->start();
  for (const auto& worker : workers_) {
    const std::string name = "sluice-work" + std::to_string(threads_.size());
    threads_.emplace_back([&running = *worker, name] {
      name_thread(name.c_str());
      running.run();
    });
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

void Fleet::change(std::shared_ptr<const core::Plan> plan,
                   std::shared_ptr<const std::vector<BackendCondition>> conditions,
                   std::function<void()> done) {
  ask_all_in_parts<char>(
      [plan = std::move(plan), conditions = std::move(conditions),
       change = std::shared_ptr<PlanChange>()](Worker& worker, char&) mutable {
        if (!change) change = std::make_shared<PlanChange>(worker.ground(), plan, *conditions);
        if (!change->go_on(Clock::now() + longest_part)) return false;
        change.reset();
        worker.yield_after_turn();
        return true;
      },
      [done = std::move(done)](const std::vector<char>&) { done(); });
}

void Fleet::release_and_join() {
  if (!std::exchange(is_running_, false)) return;
  on_all([](Worker& worker) { worker.release(); });
  if (hosted_) hosted_->join();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace sluice::proxy
