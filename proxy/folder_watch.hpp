#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

namespace sluice::proxy {

/// Says when one file of a folder has been replaced or written (inotify). One thread at a time runs
/// the io_context; everything is called there.
class FolderWatch {
 public:
  /// `on_change` may stop the watch, not destroy it.
  FolderWatch(boost::asio::io_context& io, std::function<void()> on_change);
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;
  ~FolderWatch() { stop(); }

  /// Follows `name` in `folder` from now on, in place of what was followed before. "" or a sentence
  /// why the kernel does not tell.
  std::string start(const std::string& folder, std::string name);
  /// Nothing is called afterwards; the io_context is not kept alive.
  void stop();

 private:
  void wait();
  bool take_events();

  boost::asio::posix::stream_descriptor events_;
  std::function<void()> on_change_;
  std::string name_;
  std::shared_ptr<const char>
      alive_;  ///< of this start; a wait that ends later sees that it is over
};

}  // namespace sluice::proxy
