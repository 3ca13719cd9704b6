#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::proxy {

struct Request;

/// Requests of one worker that are not in use, with the memory of those they served.
class RequestPool {
 public:
  RequestPool();
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;
  ~RequestPool();

  /// One that is as new: the last that was given back, so that its memory is probably still near.
  std::unique_ptr<Request> take();
  /// Lets go of the plan it pinned, and of memory that few requests need.
  void give_back(std::unique_ptr<Request> request);

 private:
  std::vector<std::unique_ptr<Request>> idle_;
};

}  // namespace sluice::proxy
