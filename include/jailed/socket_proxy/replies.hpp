#pragma once
#include <jailed/socket_proxy/owned.hpp>
#include <optional>
#include <string>

namespace jailed::socket_proxy {

/// What is to happen with the engine's answer.
enum class Reply {
  pass,
  stream,  // may become a raw connection in both directions
  container_made,
  container_gone,
  network_made,
  network_gone,
  volume_made,
  volume_gone,
  exec_made,
  container_list,
  network_list,
  volume_list,
  pruned,
  no_images,  // a prune of images, answered here: a jail makes none
  info,
  pull,  // answered here when the image is there: a pull must not move a tag of the host
};

/// Of the engine's answer to a list or to /info, what this jail may see; nothing for what is no such answer.
std::optional<std::string> filter_reply(Reply reply, const std::string& body, const Owned& owned);

}  // namespace jailed::socket_proxy
