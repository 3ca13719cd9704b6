#include "proxy/request_pool.hpp"

#include <utility>

#include "proxy/request.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t requests_kept = 256;
/// Of a string or list that is kept; few heads are larger.
constexpr std::size_t capacity_kept = 8 * 1024;

void trim(std::string& text) {
  if (text.capacity() > capacity_kept) std::string().swap(text);
}

void trim(core::Fields& fields) {
  if (fields.capacity() * sizeof(core::Field) > capacity_kept) core::Fields().swap(fields);
}

}  // namespace

RequestPool::RequestPool() = default;
RequestPool::~RequestPool() = default;

std::unique_ptr<Request> RequestPool::take() {
  if (idle_.empty()) return std::make_unique<Request>();
  std::unique_ptr<Request> request = std::move(idle_.back());
  idle_.pop_back();
  request->scan.reset();
  request->record.reset();
  request->persists = request->accepts_json = request->is_head = request->has_route = false;
  request->served_by = nullptr;
  return request;
}

void RequestPool::give_back(std::unique_ptr<Request> request) {
  if (idle_.size() == requests_kept) return;
  request->plan = {};
  request->replay.reset(false);
  trim(request->backend_head);
  trim(request->out);
  trim(request->record.path);
  trim(request->head.fields);
  trim(request->answer.fields);
  idle_.push_back(std::move(request));
}

}  // namespace sluice::proxy
