//! The files of a profile merged into one tree, with MIT's rules for repeats and final marks.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::parse::{Item, ParsedFile};

type NodeId = usize;

#[derive(Debug, Clone)]
enum Content {
    Value(String),
    Section {
        order: Vec<NodeId>,
        by_name: BTreeMap<String, SameName>,
    },
}

/// The members of a section that share a name: relations, and one section at most. That one is kept
/// apart, so that finding it takes no longer when it stands behind a million relations.
#[derive(Debug, Clone, Default)]
struct SameName {
    order: Vec<NodeId>,
    section: Option<NodeId>,
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    is_final: bool,
    file: Arc<str>,
    line: usize,
    content: Content,
}

/// Nodes by number; number 0 is the root.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        let content = Content::Section {
            order: Vec::new(),
            by_name: BTreeMap::new(),
        };
        let root = Node {
            name: String::new(),
            is_final: false,
            file: Arc::from(""),
            line: 0,
            content,
        };
        Self {
            nodes: Vec::from([root]),
        }
    }
}

const ROOT: NodeId = 0;

impl Tree {
    pub(crate) fn build(files: &[ParsedFile]) -> Self {
        let mut tree = Self::default();
        for file in files {
            tree.add_file(file);
        }
        tree
    }

    pub(crate) fn root(&self) -> Section<'_> {
        Section { tree: self, id: ROOT }
    }

    // Recursion here is bounded by MAX_INCLUDE_DEPTH times MAX_DEPTH.
    fn add_file(&mut self, file: &ParsedFile) {
        let name = Arc::from(file.name.as_str());
        self.add_items(Some(ROOT), &file.items, &name);
    }

    /// `parent` is `None` inside a section that a final mark has closed: its includes still count.
    fn add_items(&mut self, parent: Option<NodeId>, items: &[Item], file: &Arc<str>) {
        for item in items {
            match item {
                Item::Relation {
                    name,
                    value,
                    is_final,
                    line,
                } => {
                    self.add(
                        parent,
                        name,
                        *is_final,
                        file,
                        *line,
                        Content::Value(value.clone()),
                    );
                }
                Item::Section {
                    name,
                    is_final,
                    line,
                    items,
                } => {
                    let open = self.add_section(parent, name, file, *line);
                    self.add_items(open, items, file);
                    if let Some(node) = open.and_then(|id| self.nodes.get_mut(id)) {
                        node.is_final |= is_final;
                    }
                }
                // Included files are syntactically independent: they start at the root.
                Item::Include { files, .. } => files.iter().for_each(|file| self.add_file(file)),
                Item::Module { .. } => {}
            }
        }
    }

    fn same_name(&self, parent: NodeId, name: &str) -> Option<&SameName> {
        match self.nodes.get(parent).map(|node| &node.content) {
            Some(Content::Section { by_name, .. }) => by_name.get(name),
            _ => None,
        }
    }

    fn add_section(
        &mut self,
        parent: Option<NodeId>,
        name: &str,
        file: &Arc<str>,
        line: usize,
    ) -> Option<NodeId> {
        // A final node is the last of its name.
        match self.same_name(parent?, name).and_then(|same| same.section) {
            Some(id) => self.nodes.get(id).filter(|node| !node.is_final).map(|_| id),
            None => {
                let content = Content::Section {
                    order: Vec::new(),
                    by_name: BTreeMap::new(),
                };
                self.add(parent, name, false, file, line, content)
            }
        }
    }

    fn add(
        &mut self,
        parent: Option<NodeId>,
        name: &str,
        is_final: bool,
        file: &Arc<str>,
        line: usize,
        content: Content,
    ) -> Option<NodeId> {
        let parent = parent?;
        let closed = self
            .same_name(parent, name)
            .and_then(|same| same.order.last())
            .and_then(|id| self.nodes.get(*id));
        if closed.is_some_and(|node| node.is_final) {
            return None;
        }
        let id = self.nodes.len();
        let is_section = matches!(content, Content::Section { .. });
        self.nodes.push(Node {
            name: name.into(),
            is_final,
            file: file.clone(),
            line,
            content,
        });
        if let Some(Node {
            content: Content::Section { order, by_name },
            ..
        }) = self.nodes.get_mut(parent)
        {
            order.push(id);
            let same = by_name.entry(name.into()).or_default();
            same.order.push(id);
            if is_section {
                same.section = Some(id);
            }
        }
        Some(id)
    }
}

/// One section of a profile, all its files together.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    tree: &'a Tree,
    id: NodeId,
}

/// One relation and the place it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The relation's name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// The file it stands in.
    pub file: &'a str,
    /// The line it stands on.
    pub line: usize,
}

impl<'a> Section<'a> {
    fn node(&self, id: NodeId) -> Option<&'a Node> {
        self.tree.nodes.get(id)
    }

    fn order(&self) -> &'a [NodeId] {
        match self.node(self.id).map(|node| &node.content) {
            Some(Content::Section { order, .. }) => order,
            _ => &[],
        }
    }

    fn relation_of(node: &'a Node) -> Option<Relation<'a>> {
        match &node.content {
            Content::Value(value) => Some(Relation {
                name: &node.name,
                value,
                file: &node.file,
                line: node.line,
            }),
            Content::Section { .. } => None,
        }
    }

    /// The subsection of this name.
    pub fn section(&self, name: &str) -> Option<Section<'a>> {
        let tree = self.tree;
        let id = tree.same_name(self.id, name)?.section?;
        Some(Section { tree, id })
    }

    /// The first relation of this name.
    pub fn relation(&self, name: &str) -> Option<Relation<'a>> {
        self.values(name).next()
    }

    /// All relations of this name in order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = Relation<'a>> + use<'a> {
        let tree = self.tree;
        let same = tree
            .same_name(self.id, name)
            .map_or(&[][..], |same| same.order.as_slice());
        same.iter()
            .filter_map(|id| tree.nodes.get(*id))
            .filter_map(Self::relation_of)
    }

    /// All relations in order.
    pub fn relations(&self) -> impl Iterator<Item = Relation<'a>> + use<'a> {
        let tree = self.tree;
        self.order()
            .iter()
            .filter_map(|id| tree.nodes.get(*id))
            .filter_map(Self::relation_of)
    }

    /// Names of the subsections in order.
    pub fn section_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let tree = self.tree;
        self.order()
            .iter()
            .filter_map(|id| tree.nodes.get(*id))
            .filter_map(|node| match node.content {
                Content::Section { .. } => Some(node.name.as_str()),
                Content::Value(_) => None,
            })
    }
}
