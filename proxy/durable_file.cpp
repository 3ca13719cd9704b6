#include "proxy/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

std::string failed_to(const char* what, const std::string& path) {
  return std::string("cannot ") + what + " " + path + ": " + std::strerror(errno);
}

bool read_all(int descriptor, std::string& text) {
  std::array<char, 16 * 1024> block{};
  for (;;) {
    const ssize_t size = ::read(descriptor, block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0;
    text.append(block.data(), static_cast<std::size_t>(size));
  }
}

bool write_all(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(descriptor, text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    written += static_cast<std::size_t>(size);
  }
  return true;
}

std::string replace_file(const std::string& folder, const std::string& path,
                         const std::string& text) {
  const std::string fresh = path + ".new";
  {
    const OwnedDescriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open()) return failed_to("make", fresh);
    if (!write_all(file.get(), text)) return failed_to("write", fresh);
    if (::fsync(file.get()) != 0) return failed_to("sync", fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed_to("rename", fresh);
  const OwnedDescriptor place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place.is_open() || ::fsync(place.get()) != 0) return failed_to("sync", folder);
  return {};
}

}  // namespace sluice::proxy
